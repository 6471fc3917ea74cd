"""The best network for a budget of time: candidates, evidence on them, and what it costs."""

from darts_tf.budget.constraints import Constraints
from darts_tf.budget.image_search import Found, search_for

__all__ = ["Constraints", "Found", "search_for"]
