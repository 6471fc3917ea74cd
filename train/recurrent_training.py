"""The common part of trainings of networks around a recurrent cell."""

from typing import ClassVar

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import genotypes, plots, spaces
from darts_tf.common.errors import UserError

_OF_KERAS = ("lstm", "gru")


class RecurrentTraining:
    """A training of one recurrent cell, a genotype or the name of one that Keras has."""

    #: The names of the settings that only such a training has.
    flags = ("parameters", "clip_norm", "patience")

    #: How messages call the network.
    what: ClassVar[str]

    @classmethod
    def cell_of(cls, name: str):
        """A genotype, or the name of a cell of Keras.

        Raises:
            UserError: it is neither, or the genotype's cells are of another kind.
        """
        if name in _OF_KERAS:
            return name
        try:
            found = genotypes.get(name)
        except UserError as error:
            raise UserError(f"{error}, or {' or '.join(_OF_KERAS)}") from error
        spaces.check_kind(found.search_space, spaces.OVER_TIME, cls.what)
        return found

    @classmethod
    def check(cls, config) -> None:
        """Refuses settings out of their range, before anything is loaded.

        Raises:
            UserError: names the flag, or there is no such cell.
        """
        if not 0 < config.clip_norm < float("inf"):
            raise UserError(f"--clip_norm={config.clip_norm}: expected a number above 0")
        if config.parameters is not None and config.channels is not None:
            raise UserError("--parameters chooses --channels; leave one of them out")
        cls.cell_of(config.genotype)

    def decisive(self) -> dict:
        """All settings that decide the result but those of the data."""
        names = ("epochs", "batch_size", "learning_rate", "weight_decay", "clip_norm", "patience")
        cell = self._cell if isinstance(self._cell, str) else self._cell.to_dict()
        return {"genotype": cell, "channels": self._units, **self._config.values(names)}

    def _write_cell(self, folder) -> None:
        """Writes the genotype and its picture, if it is one."""
        if not isinstance(self._cell, str):
            self._cell.save(folder.file("genotype.json"))
            plots.plot_genotype(self._cell, folder.path)
