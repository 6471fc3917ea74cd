"""The contents of a search's checkpoints besides its variables."""

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from darts_tf import tasks
from darts_tf.genotypes.genotype import Genotype
from darts_tf.methods import written
from darts_tf.methods.method import Method
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.search.rule_follower import RuleFollower
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import ImageClassification, Objective, Task

# Of Keras' layers; the name is a number that counts the supernets of a process.
_NO_SETTINGS = ("name", "trainable")
#: What the settings that describe the supernet begin with.
SUPERNET_SETTING = "supernet"


class Best(NamedTuple):
    """The best supernet that a search has seen so far.

    Attributes:
        epoch: counted from 1; of several equally good ones the first.
        value: the task's objective on all validation data.
        genotype: the cells that were selected at the end of that epoch.
        objective: its name.
    """

    epoch: int
    value: float
    genotype: Genotype
    objective: str = "accuracy"

    @property
    def val_accuracy(self) -> float:
        """The value where the objective is the accuracy, as it is of images."""
        return self.value

    def to_dict(self) -> dict:
        """JSON-ready; the value is called `val_accuracy`, or what else the objective is."""
        named = {f"val_{self.objective}": self.value}
        return {"epoch": self.epoch, **named, "genotype": self.genotype.to_dict()}

    @classmethod
    def from_dict(cls, data: dict) -> "Best":
        """The inverse of `to_dict`."""
        (name,) = (name for name in data if name.startswith("val_"))
        genotype = Genotype.from_dict(data["genotype"])
        return cls(data["epoch"], data[name], genotype, name.removeprefix("val_"))


class SearchRecord:
    """The memory of a search, which every checkpoint holds so that a resumed search goes on.

    Args:
        rule: of the search; what it has seen is remembered too.
        objective: what epochs are ranked by.

    Attributes:
        best: the best epoch so far; None before the first one has ended.
        step_entropies: cell type -> the entropy after every step of the last epoch so far.
        unsaved: whether there were steps that no checkpoint holds.
    """

    def __init__(self, rule: RuleFollower, objective: Objective):
        self._rule = rule
        self._objective = objective
        self._checkpoints = self._monitor = None
        self.best: Best | None = None
        self.step_entropies: dict[str, list[float]] = {}
        self.unsaved = False

    def open(self, checkpoints: Checkpoints | None, monitor: CollapseMonitor) -> tuple[int, int]:
        """Begins a search, or goes on with the one that the checkpoints are of.

        Args:
            checkpoints: where `save` writes to; None for a search that is not saved.
            monitor: of the search; what it has seen is remembered too.

        Returns:
            (epoch, step) to go on with, counted from 0.
        """
        self._checkpoints, self._monitor = checkpoints, monitor
        self.unsaved = False
        position = checkpoints.restore() if checkpoints else (0, 0)
        notes = checkpoints.notes if checkpoints else {}
        self.best = Best.from_dict(notes["best"]) if "best" in notes else None
        self.step_entropies = notes.get("step_entropies", {})
        self._rule.restore(notes.get("rule"))
        if "monitor" in notes:
            monitor.state = notes["monitor"]
        return position

    def regroup(self, groups: Mapping[str, list]) -> None:
        """Goes on with other variables, of a supernet that the search goes on with from now on."""
        if self._checkpoints is not None:
            self._checkpoints = self._checkpoints.of_groups(groups)

    def begin_epoch(self) -> None:
        """Forgets the entropies of the epoch before."""
        self.step_entropies = {}

    def after_step(self, entropies: dict[str, float]) -> None:
        """Notes a step, and the entropy of every cell type after it."""
        self.unsaved = True
        for cell_type, entropy in entropies.items():
            self.step_entropies.setdefault(cell_type, []).append(entropy)

    def after_epoch(self, epoch: int, logs: Mapping[str, float], genotype: Callable) -> None:
        """Notes an epoch, counted from 0, if it is better than all before and a finite number.

        Args:
            epoch: its number.
            logs: hold the objective on the validation data.
            genotype: returns the cells of now.
        """
        name, score = self._objective.name, self._objective.score
        value = logs[f"val_{name}"]
        # Nothing compares with a NaN: as the first one it would stay the best for ever.
        if not math.isfinite(value):
            return
        if self.best is None or score(value) > score(self.best.value):
            self.best = Best(epoch + 1, value, genotype(), name)

    @property
    def due(self) -> bool:
        """Whether the last checkpoint is older than it should become."""
        return self._checkpoints is not None and self._checkpoints.due()

    def save(self, epoch: int, step: int = 0) -> None:
        """Writes a checkpoint, if there are any; the search would go on with this epoch and step.

        Raises:
            UserError: the file system does not take it; the earlier checkpoints are intact.
        """
        if self._checkpoints is None:
            return
        notes = {
            "step_entropies": self.step_entropies,
            "rule": self._rule.to_dict(),
            "monitor": self._monitor.state,
        }
        if self.best is not None:
            notes["best"] = self.best.to_dict()
        self._checkpoints.notes.update(notes)
        self._checkpoints.save(epoch, step)
        self.unsaved = False

    @contextlib.contextmanager
    def saving_if_broken_off(self, epoch: int, step: int):
        """Saves if what is done in the block, which changes nothing, is broken off."""
        try:
            yield
        except BaseException:
            self.save(epoch, step)
            raise


def settings(supernet: Supernet, method: Method, task: Task | None = None, **others) -> dict:
    """All that decides the result of `ArchitectureSearch.fit` but the data; flat and JSON-ready.

    Args:
        supernet: what is searched.
        method: how.
        task: what for. The classification of images is no setting, as searches of before there were
            tasks have none.
        **others: more settings.
    """
    owners = {
        SUPERNET_SETTING: {k: v for k, v in supernet.get_config().items() if k not in _NO_SETTINGS},
        "method": written.settings(method),
    }
    if not isinstance(task, ImageClassification | None):
        others["task"] = tasks.serialize(task)
    found = {
        **others,
        **{
            f"{part} {name}": value
            for part, values in owners.items()
            for name, value in values.items()
        },
    }
    # An object of a user's own is told by its type; its address would differ in every process.
    return json.loads(json.dumps(found, default=lambda value: type(value).__name__))
