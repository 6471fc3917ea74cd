"""Selections: how the discrete cell is chosen at the end of a search.

A selection is a function `(space, weights) -> Genotype` of the operation weights `[edges,
operations]` of every cell type. One that has `needs_data` is a function `(supernet, validation) ->
Genotype` of the whole supernet and of batches of the task, such as (images, labels); one that has
`needs_task` too also takes `task`, see `darts_tf.tasks`. One with
`needs_training = False` takes the supernet as it was made, so that a method that has it trains
none. One with `needs_supernet = False` has none: see `Proposals`.
"""

from darts_tf.common.registry import Registry
from darts_tf.selections.criteria import CRITERIA, Criterion
from darts_tf.selections.every_edge import every_edge
from darts_tf.selections.few_skips import few_skips
from darts_tf.selections.grown import grown
from darts_tf.selections.magnitude import magnitude
from darts_tf.selections.progressive import ORDERS, Outcome, Progressive
from darts_tf.selections.proposals import Proposals
from darts_tf.selections.shared_weights import SharedWeights
from darts_tf.selections.threshold import threshold, threshold_edge
from darts_tf.selections.top_pairs import top_pairs
from darts_tf.selections.training_free import TrainingFree

__all__ = [
    "CRITERIA",
    "Criterion",
    "ORDERS",
    "Outcome",
    "Progressive",
    "Proposals",
    "SharedWeights",
    "TrainingFree",
    "every_edge",
    "few_skips",
    "get",
    "grown",
    "label",
    "magnitude",
    "names",
    "needs_data",
    "needs_supernet",
    "needs_task",
    "needs_training",
    "register",
    "serialize",
    "threshold",
    "threshold_edge",
    "top_pairs",
]

_BUILT_IN = {
    "magnitude": magnitude,
    "top_pairs": top_pairs,
    "every_edge": every_edge,
    "threshold": threshold,
    "threshold_edge": threshold_edge,
    "few_skips": few_skips,
    "grown": grown,
    "shared_weights": SharedWeights(),
    "training_free": TrainingFree(),
    **{name: Progressive(criterion) for name, criterion in CRITERIA.items()},
}
_SELECTIONS = Registry("selection", _BUILT_IN)


def names() -> tuple[str, ...]:
    """The names of all selections."""
    return tuple(_SELECTIONS)


def register(name: str, selection, *, replace: bool = False):
    """Makes a selection of your own known by a name; returns it.

    Args:
        name: what `Method.selection` refers to.
        selection: `(space, weights) -> Genotype`, or one that `needs_data`.
        replace: whether it may take the place of another one of that name.

    Raises:
        UserError: another selection has that name; the same definition may come again.
    """
    return _SELECTIONS.register(name, selection, replace)


def get(selection):
    """The selection that a name, a callable or a configuration stands for.

    Raises:
        UserError: no selection has that name; it is something else.
    """
    return _SELECTIONS.resolve(selection)


def serialize(selection):
    """A name or configuration that `get` makes it of again; itself if it has neither."""
    return selection if isinstance(selection, str) else _SELECTIONS.serialize(get(selection))


def label(selection) -> str:
    """How messages call a selection: its name, or that of the callable."""
    return _SELECTIONS.label(selection)


def needs_supernet(selection) -> bool:
    """Whether a selection, or the one of that name, is of a supernet at all."""
    return getattr(get(selection), "needs_supernet", True)


def needs_training(selection) -> bool:
    """Whether a selection, or the one of that name, is of a supernet that was trained."""
    return getattr(get(selection), "needs_training", True)


def needs_data(selection) -> bool:
    """Whether a selection, or the one of that name, evaluates architectures on data."""
    return getattr(get(selection), "needs_data", False)


def needs_task(selection) -> bool:
    """Whether a selection, or the one of that name, takes the task besides the data."""
    return getattr(get(selection), "needs_task", False)
