"""The flags of selections that decide edge by edge."""

import dataclasses

from absl import flags

from darts_tf import selections
from darts_tf.common.errors import UserError

_EDGE_ORDER = flags.DEFINE_enum(
    "edge_order",
    None,
    selections.ORDERS,
    "For selections that decide edge by edge: the order of the edges, random by default. With "
    "margin all undecided edges are judged again before every decision.",
)
_FINE_TUNE_EPOCHS = flags.DEFINE_integer(
    "fine_tune_epochs",
    None,
    "For selections that decide edge by edge: epochs to train the supernet between two decisions; "
    "by default what the method says, 0 for most.",
    lower_bound=0,
)
_SELECTION_BATCHES = flags.DEFINE_integer(
    "selection_batches",
    None,
    "For selections that decide edge by edge: use only so many validation batches.",
    lower_bound=1,
)
FLAGS = (_EDGE_ORDER, _FINE_TUNE_EPOCHS, _SELECTION_BATCHES)


def get(name: str, method, seed: int, streams):
    """The selection of a name as the flags describe it.

    Args:
        name: of a selection.
        method: the method of the search.
        seed: of the random order.
        streams: the training and the validation batches, for the fine-tuning.

    Returns:
        The selection and, where it trains between its decisions, what trains; else None.

    Raises:
        UserError: there is no such selection.
    """
    selection = selections.get(name)
    if not isinstance(selection, selections.Progressive):
        return selection, None
    epochs = method.fine_tune_epochs if _FINE_TUNE_EPOCHS.value is None else _FINE_TUNE_EPOCHS.value
    tuning = None
    if epochs:
        from darts_tf.search.fine_tuning import FineTuning

        tuning = FineTuning(method, *streams, epochs)
    changed = dataclasses.replace(
        selection,
        order=_EDGE_ORDER.value or selection.order,
        seed=seed,
        batches=_SELECTION_BATCHES.value,
        fine_tune=tuning,
    )
    return changed, tuning


def refuse_without_effect(names) -> None:
    """Refuses these flags where no selection of these names decides edge by edge.

    Raises:
        UserError: names the flag.
    """
    if any(isinstance(selections.get(name), selections.Progressive) for name in names):
        return
    for flag in FLAGS:
        if flag.value is not None:
            raise UserError(
                f"--{flag.name} is for selections that decide edge by edge "
                f"({', '.join(selections.CRITERIA)}), got "
                + ", ".join(selections.label(name) for name in names)
            )
