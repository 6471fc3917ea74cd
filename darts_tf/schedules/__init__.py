"""Schedules: how a search changes from epoch to epoch.

A schedule is a function `(epoch, epochs) -> value`; epochs count from 0. It holds no state, so a
resumed search is where an uninterrupted one would be.
"""

from darts_tf.schedules.values import Constant, Exponential, Linear
from darts_tf.schedules.warm_up import WarmUp

__all__ = ["Constant", "Exponential", "Linear", "WarmUp"]
