"""--cost: what an architecture costs, as a part of the loss."""

import dataclasses

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost, log_cost
from darts_tf.costs.latency import Latencies
from train.search_flags import SearchConfig


def check(config: SearchConfig) -> None:
    """Refuses flags of the cost that mean nothing together, or whose table cannot be read.

    Raises:
        UserError: names the flag.
    """
    if config.cost is None:
        for flag in ("cost_weight", "latency_table"):
            if getattr(config, flag) is not None:
                raise UserError(f"--{flag} has no meaning without --cost")
        return
    if not 0 <= _weight(config) < float("inf"):
        raise UserError(f"--cost_weight={_weight(config)}: expected 0 or a number above it")
    if config.cost == "latency":
        if config.latency_table is None:
            raise UserError(
                "--cost=latency needs --latency_table; python -m train.latency measures one"
            )
        Latencies.load(config.latency_table)


def _weight(config: SearchConfig) -> float:
    return 0.1 if config.cost_weight is None else config.cost_weight


def penalty(config: SearchConfig, supernet, size):
    """The term that --cost adds to the loss, None without.

    Args:
        config: the search.
        supernet: its operation weights are what the cost is expected over.
        size: (image shape, classes, channels, cells).
    """
    check(config)
    if config.cost is None:
        return None
    weight = _weight(config)
    space = dataclasses.replace(spaces.get(config.space), macro=supernet.macro)
    if config.cost == "snas_log":
        return log_cost.table(space, *size).penalty(supernet.space, weight)
    latencies = None
    if config.cost == "latency":
        latencies = Latencies.load(config.latency_table)
    measure = expected_cost.measure(config.cost, latencies)
    mean = config.cost == "snas"
    table = expected_cost.table(space, *size, measure=measure, mean=mean)
    return table.penalty(supernet.space, weight)


class StagePenalty:
    """The terms that --cost adds to the loss of a supernet, and to that of the next stage's.

    Args:
        config: the search, with a cost.
        supernet: of the stage.
    """

    def __init__(self, config: SearchConfig, supernet):
        found = supernet.get_config()
        names = ("input_shape", "num_classes", "channels", "cells")
        self._config = config
        self._penalty = penalty(config, supernet, tuple(found[name] for name in names))

    def __call__(self, mixture):
        return self._penalty(mixture)

    def of_supernet(self, supernet) -> "StagePenalty":
        """The one of another supernet."""
        return StagePenalty(self._config, supernet)
