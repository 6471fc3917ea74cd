"""The flags of selections that decide edge by edge."""

import dataclasses

from darts_tf import selections
from darts_tf.common.errors import UserError
from darts_tf.search.fine_tuning import FineTuning
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class SelectionConfig(Config):
    """How cells are decided edge by edge."""

    edge_order: str | None = fields.choice(
        None,
        selections.ORDERS,
        "For selections that decide edge by edge: the order of the edges, random by default. With "
        "margin all undecided edges are judged again before every decision.",
    )
    fine_tune_epochs: int | None = fields.integer(
        None,
        "For selections that decide edge by edge: epochs to train the supernet between two "
        "decisions; by default what the method says, 0 for most.",
        lower_bound=0,
    )
    selection_batches: int | None = fields.integer(
        None,
        "For selections that decide edge by edge: use only so many validation batches.",
        lower_bound=1,
    )


#: The names of these flags.
NAMES = ("edge_order", "fine_tune_epochs", "selection_batches")


def get(config: SelectionConfig, name: str, method, seed: int, streams, task=None):
    """The selection of a name as the flags describe it.

    Args:
        config: the flags.
        name: of a selection.
        method: the method of the search.
        seed: of the random order.
        streams: the training and the validation batches, for the fine-tuning.
        task: of the search.

    Returns:
        The selection and, where it trains between its decisions, what trains; else None.

    Raises:
        UserError: there is no such selection.
    """
    selection, epochs = chosen(config, name, method, seed)
    if not epochs:
        return selection, None
    tuning = FineTuning(method, *streams, epochs, task=task)
    return dataclasses.replace(selection, fine_tune=tuning), tuning


def chosen(config: SelectionConfig, name: str, method, seed: int):
    """The selection of a name, and for how many epochs it trains between its decisions.

    Args:
        config, name, method, seed: as for `get`.

    Raises:
        UserError: there is no such selection.
    """
    selection = selections.get(name)
    if not isinstance(selection, selections.Progressive):
        return selection, 0
    given = config.fine_tune_epochs
    changed = dataclasses.replace(
        selection,
        order=config.edge_order or selection.order,
        seed=seed,
        batches=config.selection_batches,
    )
    return changed, method.fine_tune_epochs if given is None else given


def refuse_without_effect(config: SelectionConfig, names) -> None:
    """Refuses these flags where no selection of these names decides edge by edge.

    Raises:
        UserError: names the flag.
    """
    if any(isinstance(selections.get(name), selections.Progressive) for name in names):
        return
    for flag, value in config.values(NAMES).items():
        if value is not None:
            raise UserError(
                f"--{flag} is for selections that decide edge by edge "
                f"({', '.join(selections.CRITERIA)}), got "
                + ", ".join(selections.label(name) for name in names)
            )
