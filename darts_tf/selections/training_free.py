"""A selection that trains nothing: TE-NAS' pruning by what untrained networks tell.

Chen, Gong, Wang, Neural Architecture Search on ImageNet in Four GPU Hours: A Theoretically Inspired
Perspective, ICLR 2021, section 3.2 and algorithm 1, with the numbers of the authors' code.
"""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
import tensorflow as tf
from absl import logging

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.common.progress import Progress
from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.criteria import Mixture
from darts_tf.selections.magnitude import magnitude
from darts_tf.spaces import Space
from darts_tf.supernets.supernet import Supernet
from darts_tf.supernets.zero_cost import UntrainedSupernet


class Measures(Protocol):
    """Measures of untrained networks; see `zero_cost.UntrainedSupernet`."""

    def draw(self, seed: int) -> None:
        """Draws new weights."""

    def condition(self, mixture: Mixture) -> float:
        """The condition number of the tangent kernel."""

    def regions(self, mixture: Mixture) -> int:
        """The number of linear regions."""


@dataclasses.dataclass(frozen=True)
class TrainingFree:
    """Prunes the operations whose absence makes an untrained supernet better, in rounds.

    Of a supernet it takes what it is made for, the space, the candidates and the number of classes,
    but neither weights nor architecture: it finds the same cells before and after the search.

    Args:
        repeats: draws of the weights that a change is averaged over.
        prune: operations that an edge loses in a round. Default: half of all but one, which is what
            the authors have: 1 of the 4 of NAS-Bench-201, 3 of the 7 of DARTS.
        kernel_images: images of the tangent kernel (the authors': 72 in NAS-Bench-201, 14 in
            DARTS).
        inputs: batches and the size of a batch of the pieces of images for the linear regions.
    """

    #: It looks at images, not only at operation weights.
    needs_data: ClassVar[bool] = True
    needs_task: ClassVar[bool] = True
    needs_training: ClassVar[bool] = False

    repeats: int = 3
    prune: int | None = None
    kernel_images: int = 16
    inputs: tuple[int, int] = (3, 1000)

    def __call__(self, supernet: Supernet, validation: tf.data.Dataset, task=None) -> Genotype:
        """The cells that are left in the end. The supernet is not changed.

        Args:
            supernet: a supernet, trained or not.
            validation: batches of the task; the inputs of the first ten are used.
            task: see `darts_tf.tasks`; default: the classification of images.

        Raises:
            UserError: there are fewer images than `kernel_images`.
        """
        config = supernet.get_config()
        return self.of_space(
            supernet.space,
            config["num_classes"],
            validation,
            seed=config["seed"],
            edge_operations=config["edge_operations"],
            task=task,
        )

    def of_space(
        self,
        space: Space,
        num_classes: int,
        data: tf.data.Dataset,
        seed=0,
        edge_operations=None,
        task=None,
    ) -> Genotype:
        """The same without a supernet.

        Args:
            space: the search space.
            num_classes: classes of the data.
            data: batches of the task, of which the inputs of the first ten are used.
            seed: of the weights and of the pieces of images.
            edge_operations: see `Supernet`.
            task: see `darts_tf.tasks`; default: the classification of images.
        """
        unpack = tasks.get(task).unpack
        images = np.concatenate([np.asarray(unpack(b).inputs) for b in data.take(10)] or [()])
        if len(images) < self.kernel_images:
            raise UserError(
                f"the tangent kernel is of {self.kernel_images} images, but there are only "
                f"{len(images)}; give more validation data"
            )
        networks = UntrainedSupernet(
            space,
            num_classes,
            images,
            kernel_images=self.kernel_images,
            inputs=self.inputs,
            edge_operations=edge_operations,
            seed=seed,
        )
        return magnitude(space, Pruning(space, networks, self.repeats, self.prune, seed).run())


class Pruning:
    """The rounds of pruning; it knows of no network.

    Args:
        space: what may be chosen. `none` never is.
        measures: of the network that is left.
        repeats, prune: see `TrainingFree`.
        seed: of the draws.
    """

    def __init__(
        self,
        space: Space,
        measures: Measures,
        repeats: int = 3,
        prune: int | None = None,
        seed: int = 0,
    ):
        self._space = space
        self._measures = measures
        self._repeats = repeats
        self._rng = np.random.default_rng(seed)
        self._active = {t: space.choosable(t, none=False) for t in space.cell_types}
        most = max(int(active.sum(axis=1).max()) for active in self._active.values())
        self._prune = max(1, (most - 1) // 2) if prune is None else prune
        self._progress = Progress("networks measured", self.evaluations())

    def evaluations(self) -> int:
        """How many networks `run` measures from here on."""
        left = np.concatenate([active.sum(axis=1) for active in self._active.values()])
        rounds, most = [], self._space.edges_per_node
        while (left > 1).any():
            rounds.append(int(left[left > 1].sum()))
            left = np.where(left > 1, np.maximum(left - self._prune, 1), left)
        for active in self._active.values():
            for node in range(self._space.nodes):
                edges = int(active[list(self._space.edges_into(node))].any(axis=1).sum())
                if most is not None and edges > most:
                    rounds.append(edges)
        # In every draw of a round also the network that all changes are compared with.
        return self._repeats * sum(places + 1 for places in rounds)

    def run(self) -> dict[str, np.ndarray]:
        """The operations that are left, one of an edge: cell type -> `[edges, operations]`."""
        while places := self._places(lambda cell_type, edge: self._left(cell_type, edge) > 1):
            budget = {place[:2]: min(self._prune, self._left(*place[:2]) - 1) for place in places}
            for cell_type, edge, operation in self._worst_first(places):
                if budget[cell_type, edge]:
                    budget[cell_type, edge] -= 1
                    self._active[cell_type][edge, operation] = False
            left = sum(int(active.sum()) for active in self._active.values())
            logging.info("%d operations are left", left)
        for cell_type in self._space.cell_types:
            for node in range(self._space.nodes):
                self._prune_edges(cell_type, self._space.edges_into(node))
        return self._mixture()

    def _prune_edges(self, cell_type, edges):
        """Takes edges of a node out until it has as many as the space says."""
        most = self._space.edges_per_node
        places = self._places(
            lambda t, e: t == cell_type and e in edges and self._active[t][e].any()
        )
        if most is None or len(places) <= most:
            return
        for _, edge, _ in self._worst_first(places)[: len(places) - most]:
            self._active[cell_type][edge] = False

    def _left(self, cell_type, edge) -> int:
        return int(self._active[cell_type][edge].sum())

    def _places(self, condition) -> list[tuple[str, int, int]]:
        """(cell type, edge, operation) of what is left on the edges that meet a condition."""
        return [
            (cell_type, edge, operation)
            for cell_type, active in self._active.items()
            for edge, operation in np.argwhere(active).tolist()
            if condition(cell_type, edge)
        ]

    def _worst_first(self, places):
        """The places, first those whose operation should go.

        By the sum of two ranks: of the decrease of the condition number, the largest first, and of
        the decrease of the number of regions, the smallest first. Equals go by the first.
        """
        condition, regions = self._decreases(places).T
        by_condition = ranks(-condition)
        order = np.lexsort([by_condition, by_condition + ranks(regions)])
        return [places[i] for i in order]

    def _decreases(self, places) -> np.ndarray:
        """By which share both measures fall without an operation, `[places, 2]`, mean of draws."""
        found = []
        for _ in range(self._repeats):
            self._measures.draw(int(self._rng.integers(2**31)))
            now = self._both()
            found.append([(now - self._both(without=place)) / now for place in places])
        return np.mean(found, axis=0)

    def _both(self, without=None) -> np.ndarray:
        mixture = self._mixture(without)
        found = np.array(
            [self._measures.condition(mixture), self._measures.regions(mixture)], float
        )
        self._progress.advance()
        return found

    def _mixture(self, without=None) -> dict[str, np.ndarray]:
        """Equal weights of what is left on an edge, but for one operation."""
        mixture = {t: active.astype(np.float32) for t, active in self._active.items()}
        if without:
            cell_type, edge, operation = without
            mixture[cell_type][edge, operation] = 0
        return {
            t: row / np.maximum(row.sum(axis=1, keepdims=True), 1) for t, row in mixture.items()
        }


def ranks(values: Sequence[float], digits: int = 3) -> np.ndarray:
    """0 for the smallest, and so on; values that agree in their first digits share a rank."""
    rounded = [float(f"{value:.{digits - 1}e}") for value in values]
    return np.unique(rounded, return_inverse=True)[1]
