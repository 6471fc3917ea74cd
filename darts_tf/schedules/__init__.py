"""Schedules: how a search changes while it runs.

Values and the warm-up are functions `(epoch, epochs) -> value` without a state, so that a resumed
search is where an uninterrupted one would be; epochs count from 0. `Stage` is for methods that go
on with another supernet.
"""

from darts_tf.schedules.skip_dropout import SkipDropout
from darts_tf.schedules.stages import Stage, keep_largest
from darts_tf.schedules.values import Constant, Exponential, Linear
from darts_tf.schedules.warm_up import WarmUp

__all__ = [
    "Constant",
    "Exponential",
    "Linear",
    "SkipDropout",
    "Stage",
    "WarmUp",
    "keep_largest",
]
