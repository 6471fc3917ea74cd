"""The table of methods: one part for each independent choice of a search.

`METHODS` are the rows; `get` takes one by its name, `register` adds one of your own.
"""

from darts_tf.methods.method import Method
from darts_tf.methods.table import METHODS, get, register

__all__ = ["METHODS", "Method", "get", "register"]
