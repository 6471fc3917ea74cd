"""What a search's checkpoint holds beside its variables: its settings and its best epoch."""

import dataclasses
import json
from typing import NamedTuple

from darts_tf.genotypes import Genotype
from darts_tf.method import Method
from darts_tf.supernet import Supernet

# Of Keras' layers; the name is a number that counts the supernets of a process.
_NO_SETTINGS = ("name", "trainable")


class Best(NamedTuple):
    """The best supernet that a search has seen so far.

    Attributes:
        epoch: counted from 1; of several equally good ones the first.
        val_accuracy: of the supernet on all validation data.
        genotype: the cells that were selected at the end of that epoch.
    """

    epoch: int
    val_accuracy: float
    genotype: Genotype

    def to_dict(self) -> dict:
        """JSON-ready."""
        return {**self._asdict(), "genotype": self.genotype.to_dict()}

    @classmethod
    def from_dict(cls, data: dict) -> "Best":
        """The inverse of `to_dict`."""
        return cls(**{**data, "genotype": Genotype.from_dict(data["genotype"])})


def settings(supernet: Supernet, method: Method, **others) -> dict:
    """All that decides the result of `ArchitectureSearch.fit` but the data; flat and JSON-ready.

    Args:
        supernet: what is searched.
        method: how.
        **others: more settings.
    """
    parts = {
        "supernet": {k: v for k, v in supernet.get_config().items() if k not in _NO_SETTINGS},
        "method": dataclasses.asdict(method),
    }
    found = {
        **others,
        **{
            f"{part} {name}": value
            for part, values in parts.items()
            for name, value in values.items()
        },
    }
    # An object of a user's own is told by its type; its address would differ in every process.
    return json.loads(json.dumps(found, default=lambda value: type(value).__name__))
