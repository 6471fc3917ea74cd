"""Selection of the best random architecture, evaluated with the supernet's weights."""

import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.common import seeds
from darts_tf.genotypes.genotype import Genotype
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.spaces import Space
from darts_tf.supernets.supernet import Supernet


@dataclasses.dataclass(frozen=True)
class SharedWeights:
    """Scores random architectures by the task's objective with the supernet's weights.

    Li, Talwalkar, Random Search and Reproducibility for NAS, UAI 2019, section 3.3: a thousand
    architectures on a few validation batches, then the best of them on all. Batch normalisation
    uses the statistics of the batch, because the moving ones are those of no single architecture.

    Args:
        samples: random architectures.
        batches: validation batches for each of them.
        finalists: how many of them are evaluated on all batches.
    """

    #: It looks at the supernet and at validation data, not only at operation weights.
    needs_data: ClassVar[bool] = True
    needs_task: ClassVar[bool] = True

    samples: int = 1000
    batches: int = 10
    finalists: int = 10

    def __call__(self, supernet: Supernet, validation: tf.data.Dataset, task=None) -> Genotype:
        """The architecture with the best objective, such as accuracy, the earliest of equals.

        Args:
            supernet: whose weights were trained by random architectures.
            validation: batches of the task, such as (images, labels).
            task: see `darts_tf.tasks`; default: the classification of images.

        Raises:
            UserError: there is no batch.
        """
        evaluation = SupernetEvaluation(supernet, validation, task=task)
        few = list(validation.take(self.batches))

        def score(genotype, batches=None):
            return evaluation.score(one_hot(supernet.space, genotype), batches)

        seed = supernet.get_config()["seed"]
        found = [
            genotypes.sample(supernet.space, seeds.of_sample(seed, i)) for i in range(self.samples)
        ]
        found = list(dict.fromkeys(found))
        scores = np.array([score(genotype, few) for genotype in found])
        best = np.argsort(-scores, kind="stable")[: self.finalists]
        return max((found[i] for i in best), key=score)


def one_hot(space: Space, genotype: Genotype) -> dict[str, np.ndarray]:
    """The operation weights that make a supernet compute a genotype's cells.

    Returns:
        Cell type -> float32 `[edges, operations]`: 1 for the genotype's operations, else 0.
    """
    weights = {}
    for cell_type, cell in genotype.cells.items():
        weights[cell_type] = np.zeros((len(space.edges), len(space.operations)), np.float32)
        for node, edges in enumerate(cell.nodes):
            for edge in edges:
                row = space.edges.index((node, edge.source))
                weights[cell_type][row, space.operations.index(edge.operation)] = 1
    return weights
