"""A supernet after a change, and along which pairs it goes on."""

import random as python_random

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.common.seeds import consecutive
from darts_tf.relaxations.softmax import Softmax
from darts_tf.spaces import Space
from darts_tf.supernets.growth.changes import Change
from darts_tf.supernets.growth.pairs import Pairs, pairs
from darts_tf.supernets.supernet import Supernet


def of_space(supernet: Supernet, space: Space, number: int) -> Supernet:
    """A new supernet that is as another one but for its space; depends on its arguments alone.

    Args:
        supernet: whose configuration it has.
        space: with its candidates.
        number: what its first values are drawn by, besides the seed of the supernet.

    Raises:
        UserError: weights of the relaxation are not a softmax.
    """
    if not isinstance(supernet.relaxation, Softmax):
        raise UserError(
            "a supernet grows where operation weights are a softmax of their logits, so that "
            f"copies share a weight; its relaxation is {type(supernet.relaxation).__name__}"
        )
    config = {k: v for k, v in supernet.get_config().items() if k != "name"}
    before = python_random.getstate()
    try:
        # Keras takes the seeds of layers that have none from Python's generator.
        python_random.seed(consecutive(config["seed"], number))
        changed = {"space": space, "edge_operations": None, "batched": False}
        return type(supernet).from_config({**config, **changed})
    finally:
        python_random.setstate(before)


def planned(supernet: Supernet, change: Change, number: int) -> tuple[Supernet, Pairs]:
    """The supernet after a change, with first values of its own, and the pairs to go on along.

    Args:
        supernet: that of now.
        change: what becomes of it.
        number: how many changes there were before.
    """
    new = of_space(supernet, change.space(supernet.space), 1 + number)
    return new, pairs(supernet, new, change.origin(supernet.space))


def finished(old: Supernet, new: Supernet, change: Change, number: int) -> None:
    """Gives what is new in a supernet its first values, when the rest has gone on.

    Args:
        old, new, change, number: as for `planned`.
    """
    change.start(old, new, np.random.default_rng([new.get_config()["seed"], number]))


def grown(supernet: Supernet, change: Change, number: int = 0) -> Supernet:
    """The supernet after a change, of a supernet that nothing trains.

    Example:
        >>> deeper = grown(supernet, AddNode(noise=0))
    """
    new, found = planned(supernet, change, number)
    for old, variable, how in found:
        value = old.numpy()
        variable.assign(value if how is None else how(value))
    finished(supernet, new, change, number)
    return new
