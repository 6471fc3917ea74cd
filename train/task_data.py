"""The data of a task, as the programs need them."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Self

import tensorflow as tf

from darts_tf import macros, spaces, tasks
from darts_tf.costs import counted
from darts_tf.datasets import fingerprint
from darts_tf.networks.network import build_network
from train.config import Config


class TaskData(abc.ABC):
    """The data of a task, as a configuration describes them.

    A part is some of the examples, in whatever form suits the data; the programs only hand it back.

    Attributes:
        flags: the names of the settings that such data have.
        reading: those of them that say which data they are; the others are of networks on them.
        also_taken: those that a run on the data of another one takes from it too.
        kinds: of the cells that its networks are made of, see `Space`; none where all are.
        search_settings: how a search is done with such data where that is not the way of the
            space's own network; None where it is.
        name: of the data, for headings.
        examples: what their examples are called.
        input_shape, num_classes: what supernets and networks are made for.
        training, test: the parts that the data come in.
        validation: one of its own besides; None where the training part is divided for it.
        class_names: of a classification.
        stem: of the networks of images, see `build_network`.
    """

    flags: ClassVar[tuple[str, ...]] = ()
    reading: ClassVar[tuple[str, ...]] = ()
    also_taken: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[tuple[str, ...]] = ()
    search_settings: ClassVar[macros.SearchSettings | None] = None
    name: str
    examples: str = "images"
    input_shape: tuple[int | None, ...]
    num_classes: int
    training: Any
    test: Any
    validation: Any = None
    class_names: tuple[str, ...] | None = None
    stem: str = "cifar"

    @classmethod
    @abc.abstractmethod
    def load(cls, config: Config) -> tuple[Config, Self]:
        """Loads the data, and says in a line what they are.

        Returns:
            The configuration with what the data decide where the user did not, and the data.

        Raises:
            UserError: they cannot be found, read or used.
        """

    def task(self, name: str) -> tasks.Task:
        """The task of a name, for such data. Default: the library's of that name."""
        return tasks.get(name)

    def macro(self, space: str) -> macros.Macro | None:
        """The network around the cells of a supernet; None for the space's own.

        Raises:
            UserError: no cell of the space takes such data.
        """
        return None

    def space(self, name: str) -> spaces.Space:
        """The space of that name, with the network around its cells that such data need."""
        space = spaces.get(name)
        macro = self.macro(name)
        return space if macro is None else dataclasses.replace(space, macro=macro)

    def network_costs(self, genotype, channels: int, cells: int) -> tuple[dict, str]:
        """The cost of a genotype's network: JSON-ready, and in words."""
        network = build_network(
            genotype, self.input_shape, self.num_classes, channels, cells, stem=self.stem
        )
        costs = {
            "parameters": counted.parameters(network),
            "multiply_adds": counted.multiply_adds(network),
        }
        return costs, (
            f"{channels} channels and {cells} cells: {costs['parameters']:,} parameters, "
            f"{costs['multiply_adds'] / 1e6:,.2f} M multiply-adds an image"
        )

    @abc.abstractmethod
    def split(self, part, share: float, seed: int) -> tuple[Any, Any]:
        """Two parts of a part.

        Args:
            part: what is divided.
            share: of the first, between 0 and 1.
            seed: of the division.
        """

    def with_validation(self, share: float, seed: int) -> tuple[Any, Any]:
        """The part that trains, and the one that alphas learn from or networks are ranked by.

        Args:
            share: of the first in the training part, where the data have no validation part.
            seed: of the division.
        """
        if self.validation is not None:
            return self.training, self.validation
        return self.split(self.training, share, seed)

    @abc.abstractmethod
    def size(self, part) -> int:
        """The number of a part's examples."""

    @abc.abstractmethod
    def stream(self, part, batch_size: int, seed: int) -> Callable[[int], tf.data.Dataset]:
        """Batches to train on, all of one size: a function from the number of the epoch.

        Raises:
            UserError: when it is called; a batch is larger than the part.
        """

    @abc.abstractmethod
    def in_order(self, part, batch_size: int | None = None) -> tf.data.Dataset:
        """The examples as they are, always in the same order.

        Args:
            part: which.
            batch_size: of batches that all have one size; None for batches of any size that hold
                all examples.

        Raises:
            UserError: a batch is larger than the part.
        """

    @abc.abstractmethod
    def description(self, trains: bool) -> dict:
        """The contents of data.json, JSON-ready.

        Args:
            trains: whether what is done to training examples is a part of it.
        """

    @abc.abstractmethod
    def difference(self, before: dict, now: dict) -> str | None:
        """The first difference of two descriptions in words; None for the same data."""

    @abc.abstractmethod
    def read_description(self, path) -> dict:
        """The description in a data.json.

        Raises:
            UserError: it cannot be read, or describes no such data.
        """

    def digest(self, description: dict) -> str:
        """One hash of all in a description that a trained network depends on."""
        return fingerprint.digest(description)

    @abc.abstractmethod
    def training_line(self) -> str | None:
        """Says what is done to training examples; None for nothing."""
