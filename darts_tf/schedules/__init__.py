"""Schedules: how a search changes while it runs.

Values and the warm-up are functions `(epoch, epochs) -> value` without a state, so that a resumed
search is where an uninterrupted one would be; epochs count from 0. `Stage` is for methods that go
on with another supernet. Rules look at the search after every epoch, and end it or decide about
edges; see `darts_tf.schedules.rules`.
"""

from darts_tf.schedules.adaptive_decay import AdaptiveDecay
from darts_tf.schedules.eigenvalue_stop import EigenvalueStop
from darts_tf.schedules.greedy_decisions import GreedyDecisions
from darts_tf.schedules.skip_dropout import SkipDropout
from darts_tf.schedules.skip_stop import SkipStop
from darts_tf.schedules.stages import Stage, keep_largest
from darts_tf.schedules.values import Linear
from darts_tf.schedules.warm_up import WarmUp

__all__ = [
    "AdaptiveDecay",
    "EigenvalueStop",
    "GreedyDecisions",
    "Linear",
    "SkipDropout",
    "SkipStop",
    "Stage",
    "WarmUp",
    "keep_largest",
]
