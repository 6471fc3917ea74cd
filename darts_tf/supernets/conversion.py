"""Copies of a supernet whose cells are of another class."""

from darts_tf.cells.batched_cell import from_plain, to_plain
from darts_tf.supernets.supernet import Supernet


def convert(supernet: Supernet, batched: bool, **changes) -> Supernet:
    """A copy of a supernet, with its weights, whose cells are batched or plain ones.

    Args:
        supernet: the supernet.
        batched: as for `Supernet`.
        **changes: other arguments of `Supernet` for the copy that add variables, `decisions`.
    """
    other = Supernet.from_config({**supernet.get_config(), "batched": batched, **changes})
    for mine, its in zip(supernet.parts, other.parts, strict=True):
        if type(mine) is type(its):
            its.set_weights(mine.get_weights())
        else:
            (to_plain if mine.together else from_plain)(mine, its)
    other.architecture.assign(supernet.architecture)
    return other
