"""A watch on every search: does it still find cells, or does it collapse?"""

from typing import NamedTuple

import keras
import numpy as np
from absl import logging

from darts_tf.genotypes import decidedness
from darts_tf.schedules.eigenvalue_stop import has_grown
from darts_tf.supernets import parameter_free

# How much more weight than an equal share the operations without parameters must have gathered on
# an edge before it is no accident of the first steps that the edge holds one of them.
_GAIN = 0.05
_TOO_MANY = 0.5
_NONE_SHARE = 0.5
# Reduction cells end in poolings and skip connections in good searches too: those of DARTS_V1 and
# DARTS_V2 hold nothing else.
_NOT_JUDGED = "reduce"

_CURE = (
    "What to do: select from this supernet by its losses (python -m train.select --run_dir=RUN "
    "--selection=operation_strength,removal), or search again with fewer epochs, more weight "
    "decay, or a method made against it, such as darts-pt, darts-es, sdarts-rs or p-darts"
)


class _Measured(NamedTuple):
    """An eigenvalue, the epoch it was measured after, and how many weights were decided by then."""

    epoch: int
    value: float
    decided: int


class CollapseMonitor(keras.callbacks.Callback):
    """Measures after every epoch what shows a collapse, and says in words when there is one.

    It adds to the epoch's logs, so it must come before the callbacks that write them:

    - `parameter_free_<cell type>`: edges of the present genotype whose operation has no parameters,
      where operations have any;
    - `close_to_a_draw_<cell type>`: edges of the present cell whose operation leads the next one by
      less than `darts_tf.genotypes.decidedness.CLOSE`, where the cells come from learned operation
      weights;
    - `none_share`: mean weight of `none`, where the space has it;
    - `eigenvalue`: the largest one of the Hessian of the validation loss in the architecture
      variables, in every `eigenvalue_every`th epoch (Zela et al., RobustDARTS, ICLR 2020); see
      `ArchitectureSearch.eigenvalue`, also for the searches that have none;
    - `collapse_warnings`: how many of the following hold in this epoch.

    It warns, once each, when at least half of a cell's edges hold operations without parameters,
    and on each of these edges the weights of such operations have grown by 0.05 over an equal share
    (not of reduction cells, where the best published ones have no others); when `none` has more
    than half of all weight; and when the eigenvalue, as a mean of 5, is more than 1.3 times what it
    was 4 measurements before. An eigenvalue is compared only with those since an edge was last
    decided, which changes the function itself.

    At the end of the search it warns where at least half of a cell's edges are close to a draw.

    `ArchitectureSearch.fit` keeps `state` in its checkpoints, so that a resumed search warns where
    an uninterrupted one would have.

    Args:
        search: the search.
        eigenvalue_every: epochs from one eigenvalue to the next, which costs as much as some
            dozens of steps; 0 for none.
    """

    def __init__(self, search, eigenvalue_every: int = 10):
        super().__init__()
        self._search = search
        self._every = eigenvalue_every
        self._measured: list[_Measured] = []
        self._said: list[str] = []

    @property
    def state(self) -> dict:
        """The measurements and the messages so far, JSON-ready."""
        return {"measured": [list(one) for one in self._measured], "said": list(self._said)}

    @state.setter
    def state(self, value: dict) -> None:
        self._measured = [_Measured(*one) for one in value["measured"]]
        self._said = list(value["said"])

    def forget(self) -> None:
        """Begins anew, for the supernet of another stage."""
        self.state = {"measured": [], "said": []}

    def on_epoch_end(self, epoch, logs=None):
        epoch -= self._search.first_epoch
        # A resumed search may repeat its last epoch, and one that goes back repeats several.
        self._measured = [one for one in self._measured if one.epoch < epoch]
        found = self._measure(epoch)
        alarms = list(self._alarms(found))
        found["collapse_warnings"] = float(len(alarms))
        if logs is not None:
            logs.update(found)
        for kind, text in alarms:
            if kind not in self._said:
                self._said.append(kind)
                logging.warning("epoch %d: %s. %s", epoch + 1, text, _CURE)

    def on_train_end(self, logs=None):
        if self._search.selects_by_weights and decidedness.is_draw(found := self._search.leads()):
            logging.warning("%s. %s", decidedness.describe(found), decidedness.CURE)

    def _measure(self, epoch: int) -> dict[str, float]:
        """The numbers of an epoch, counted from 0."""
        search, found = self._search, {}
        space, mixture = search.supernet.space, search.operation_weights()
        for cell_type, cell in self._judged().items():
            found[f"parameter_free_{cell_type}"] = parameter_free.count(cell)
        if search.selects_by_weights:
            counts = decidedness.close(search.leads(search.favoured()))
            found |= {f"close_to_a_draw_{name}": count for name, count in counts.items()}
        if "none" in space.operations:
            none = space.operations.index("none")
            every = np.concatenate(list(mixture.values()))
            found["none_share"] = float(_shares(every)[:, none].mean())
        if self._every and (epoch + 1) % self._every == 0 and search.has_eigenvalue:
            eigenvalue = search.eigenvalue()
            if not np.isfinite(eigenvalue):
                # The next step's loss is not finite either, which ends the search with a reason.
                return found
            found["eigenvalue"] = eigenvalue
            decided = sum(int(x.sum()) for x in search.supernet.architecture.decided().values())
            self._measured.append(_Measured(epoch, found["eigenvalue"], decided))
        return found

    def _judged(self) -> dict:
        """The present cells by type; none where no operation has weights, and so all are alike."""
        return self._search.favoured().cells if self._search.supernet.edges_learn else {}

    def _alarms(self, found):
        """Pairs of a kind of collapse and what to say about it."""
        search = self._search
        mixture = search.operation_weights()
        for cell_type, cell in self._judged().items():
            if cell_type == _NOT_JUDGED:
                continue
            count = _grown(search.supernet.space, cell_type, mixture[cell_type], cell)
            if count >= _TOO_MANY * len(cell.edges):
                yield (
                    cell_type,
                    f"{count} of the {len(cell.edges)} edges of the {cell_type} cell hold "
                    "operations without parameters (skip connections, poolings, none, noise), "
                    "whose weights have grown: the search is collapsing",
                )
        if found.get("none_share", 0) > _NONE_SHARE:
            yield (
                "none",
                f"the operation none has {found['none_share']:.0%} of all weight: the cells lose "
                "their connections",
            )
        alike = [one.value for one in self._measured if one.decided == self._measured[-1].decided]
        if "eigenvalue" in found and has_grown(alike):
            yield (
                "eigenvalue",
                "the largest eigenvalue of the validation loss' Hessian in the architecture grows "
                f"({found['eigenvalue']:.3g} now): the discrete cell will be much worse than the "
                "supernet",
            )


def _shares(mixture) -> np.ndarray:
    """The rows divided by their sums; rows of zeros stay."""
    sums = mixture.sum(axis=-1, keepdims=True)
    return np.divide(mixture, sums, out=np.zeros_like(mixture), where=sums > 0)


def _grown(space, cell_type, mixture, cell) -> int:
    """How many edges of a cell hold an operation without parameters by more than accident.

    Args:
        space: the search space.
        cell_type: of the cell.
        mixture: its operation weights, `[edges, operations]`.
        cell: the present cell.
    """
    mask = space.mask(cell_type)
    free = mask & np.array([parameter_free.is_parameter_free(x) for x in space.operations])
    gains = (_shares(mixture) * free).sum(axis=1) - free.sum(axis=1) / mask.sum(axis=1)
    held = [
        space.edges.index((node, edge.source))
        for node, edges in enumerate(cell.nodes)
        for edge in edges
        if parameter_free.is_parameter_free(edge.operation)
    ]
    return int((gains[held] >= _GAIN).sum())
