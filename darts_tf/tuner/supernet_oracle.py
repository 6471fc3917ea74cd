"""Architectures that a finished supernet thinks well of, for a tuner to train from scratch."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.genotypes import Genotype, sample_learned
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.shared_weights import one_hot
from darts_tf.supernets.supernet import Supernet
from darts_tf.tuner.cell_hyper_model import CellHyperModel
from darts_tf.tuner.ranked_oracle import RankedOracle


class Ranked(NamedTuple):
    """An architecture and the task's objective with the supernet's weights.

    Attributes:
        genotype: the architecture.
        objective: such as the accuracy.
    """

    genotype: Genotype
    objective: float

    @property
    def accuracy(self) -> float:
        """The objective where it is the accuracy, as it is of images."""
        return self.objective


def rank_by_supernet(
    supernet: Supernet,
    validation: tf.data.Dataset,
    *,
    samples: int = 100,
    batches: int = 10,
    seed: int = 0,
    task=None,
) -> list[Ranked]:
    """Samples architectures by a supernet's alphas and orders them by their one-shot objective.

    That is the task's objective, such as the accuracy, with the supernet's weights, batch
    normalisation by the statistics of the batch, as in Li, Talwalkar, UAI 2019, section 3.3, whose
    samples are uniform.

    Args:
        supernet: of a finished search.
        validation: batches of the task, such as (images, labels).
        samples: how many are drawn; the same one is evaluated once.
        batches: of the validation data, for each of them.
        seed: of the draws.
        task: see `darts_tf.tasks`; default: the classification of images.

    Returns:
        Different architectures, best first, the earlier drawn of equals.

    Raises:
        UserError: there is no batch.
    """
    draw = np.random.default_rng(seed)
    weights = {k: np.asarray(value) for k, value in supernet.operation_weights().items()}
    drawn = [sample_learned(supernet.space, weights, draw) for _ in range(samples)]
    evaluation = SupernetEvaluation(supernet, list(validation.take(batches)), task=task)
    ranked = [
        Ranked(genotype, evaluation.objective(one_hot(supernet.space, genotype)))
        for genotype in dict.fromkeys(drawn)
    ]
    objective = tasks.get(task).objective
    return sorted(ranked, key=lambda candidate: -objective.score(candidate.objective))


class SupernetOracle(RankedOracle):
    """Proposes what a finished supernet thinks best, best first, until that is exhausted.

    Hyperparameters that are not about cells are drawn at random. For a tuner that learns from its
    trials give the ranking to `start_with` instead.

    Args:
        hypermodel: a `CellHyperModel` of the supernet's space.
        supernet, validation, samples, batches, task: see `rank_by_supernet`.
        objective: what the trials maximise or minimise, see `keras_tuner.Oracle`. Default: the
            task's objective on the validation data, such as `val_accuracy`.
        max_trials: greatest number of trials.
        seed: of all draws.
        **kwargs: more arguments of `RandomSearchOracle`.

    Attributes:
        ranking: the architectures and their one-shot objective.

    Raises:
        UserError: the supernet is of another space, or there is no batch.

    Example:
        >>> oracle = SupernetOracle(hypermodel, search.supernet, validation, max_trials=20)
        >>> tuner = keras_tuner.Tuner(oracle, hypermodel)
        >>> tuner.search(images, labels, validation_split=0.2, epochs=10)
    """

    def __init__(
        self,
        hypermodel: CellHyperModel,
        supernet: Supernet,
        validation: tf.data.Dataset,
        *,
        samples: int = 100,
        batches: int = 10,
        task=None,
        seed: int = 0,
        **kwargs,
    ):
        if hypermodel.space.name != supernet.space.name:
            raise UserError(
                f"the supernet is of the space {supernet.space.name!r}, the hypermodel of "
                f"{hypermodel.space.name!r}; they must be of the same"
            )
        self.ranking = rank_by_supernet(
            supernet, validation, samples=samples, batches=batches, seed=seed, task=task
        )
        found = [candidate.genotype for candidate in self.ranking]
        super().__init__(hypermodel, found, task=task, seed=seed, **kwargs)
