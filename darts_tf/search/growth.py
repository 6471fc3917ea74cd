"""The supernets that a search grows through, and the best one so far."""

import pathlib
from collections.abc import Sequence

import numpy as np
from absl import logging

from darts_tf import spaces
from darts_tf.common import array_files, files
from darts_tf.spaces import Space
from darts_tf.supernets.growth import grow as growing
from darts_tf.supernets.growth.changes import Change
from darts_tf.supernets.growth.split_gains import SplitGains, split_gains
from darts_tf.supernets.supernet import Supernet


class Growth:
    """The growth of a supernet so far, and the values that the best one had.

    Args:
        search: an `ArchitectureSearch`.

    Attributes:
        number: how many times the supernet has grown.
        returned: whether it is that of the smallest validation loss, at the end of the search.
    """

    def __init__(self, search):
        self._search = search
        self.number = 0
        self.returned = False
        self._changes = 0
        self._best: dict | None = None
        self._values: list[np.ndarray] = []
        self._directory: pathlib.Path | None = None
        self._writes = True

    def keep_in(self, directory, writes: bool) -> None:
        """Where the best supernet's values are kept.

        Args:
            directory: of the checkpoints; None keeps them in memory.
            writes: whether this process writes files.
        """
        self._directory = directory and pathlib.Path(directory) / "best_supernet"
        self._writes = writes

    @property
    def best_epoch(self) -> int | None:
        """The epoch with the smallest validation loss so far, from 0; None before the first."""
        return None if self._best is None else self._best["epoch"]

    def logs(self) -> dict[str, float]:
        """How large the supernet is, for the logs of an epoch."""
        space = self._search.supernet.space
        candidates = sum(len(o) for t in space.cell_types for o in space.operations_on(t))
        return {"grown": self.number, "nodes": space.nodes, "candidates": candidates}

    def see(self, epoch: int, losses: Sequence[tuple[int, float]]) -> None:
        """Keeps the supernet of an epoch if its validation loss is the smallest of all.

        Args:
            epoch: counted from 0.
            losses: see `darts_tf.schedules.rules.Observation`.
        """
        loss = losses[-1][1]
        if self._best is not None and not loss < self._best["loss"]:
            return
        before, space = self._best, self._search.supernet.space
        self._best = {"epoch": epoch, "loss": loss, "space": spaces.serialize(space)}
        values = [v.numpy() for v in self._search.supernet.variables]
        if self._directory is None:
            self._values = values
        elif self._writes:
            files.make_folder(self._directory)
            array_files.write(self._path(epoch), values)
            # The checkpoint of now still names the one before.
            kept = {epoch, before["epoch"] if before else epoch}
            for path in self._directory.glob("epoch_*.npz"):
                if path.name not in {self._path(e).name for e in kept}:
                    path.unlink(missing_ok=True)

    def grow(self, epoch: int, changes: Sequence[Change]) -> bool:
        """Goes on with the supernet after changes; returns whether there were any."""
        before = self._changes
        for order in changes:
            for change in order.decided(self._search.supernet, self._split_gains):
                self._make(change)
        if self._changes == before:
            logging.info("epoch %d: no split makes the training loss smaller", epoch + 1)
            return False
        self.number += 1
        logs = self.logs()
        logging.info(
            "epoch %d: the supernet has grown to %d nodes and %d candidates",
            epoch + 1,
            logs["nodes"],
            logs["candidates"],
        )
        return True

    def _make(self, change: Change) -> None:
        search, old = self._search, self._search.supernet
        with search.strategy.scope():
            new, pairs = growing.planned(old, change, self._changes)
        state = search.go_on_with(new)
        state.transfer(search.trainer.state, pairs)
        growing.finished(old, new, change, self._changes)
        self._changes += 1

    def _split_gains(self, supernet: Supernet) -> SplitGains:
        """The gains of splits on the first training batch of the first epoch."""
        found = split_gains(supernet, self._search.task, self._search.training_batch())
        (_, edge, operation), (negative, _) = found.ranked()[0]
        logging.info(
            "of all operations %s of node %d has the most units whose split lowers the training "
            "loss: %d",
            operation,
            edge + 1,
            negative,
        )
        return found

    def return_to_best(self, epoch: int) -> None:
        """Goes on with the supernet of the smallest validation loss, as it was then."""
        search, best = self._search, self._best
        self.returned = True
        if best["epoch"] == epoch:
            return
        with search.strategy.scope():
            space = spaces.get(best["space"])
            new = growing.of_space(search.supernet, space, self._changes)
        state = search.go_on_with(new)
        # The counts of the optimizers alone.
        state.transfer(search.trainer.state, [])
        for variable, value in zip(new.variables, self._read(best["epoch"]), strict=True):
            variable.assign(value)
        logging.info("epoch %d: back to the supernet of epoch %d", epoch + 1, best["epoch"] + 1)

    def _read(self, epoch: int) -> list[np.ndarray]:
        if self._directory is None:
            return self._values
        return list(array_files.read(self._path(epoch)).values())

    def _path(self, epoch: int) -> pathlib.Path:
        return self._directory / f"epoch_{epoch}.npz"

    def to_dict(self) -> dict:
        """The state that a resumed search needs, JSON-ready."""
        return {
            "number": self.number,
            "changes": self._changes,
            "space": spaces.serialize(self._search.supernet.space),
            "best": self._best,
            "returned": self.returned,
        }

    def restore(self, data: dict) -> None:
        """The inverse of `to_dict`, but for the supernet; see `space_in`."""
        self.number, self._changes, self._best = data["number"], data["changes"], data["best"]
        # Missing in checkpoints of earlier versions.
        self.returned = data.get("returned", False)

    def space_in(self, notes: dict) -> Space:
        """The space of the supernet that a checkpoint with these notes is of."""
        return spaces.get(notes["rule"]["growth"]["space"])
