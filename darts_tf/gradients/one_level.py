"""One-level optimisation: weights and architecture from one loss."""

import dataclasses

from darts_tf.gradients.gradient import Stateless
from darts_tf.gradients.problem import Hypergradient, gradients_of


@dataclasses.dataclass(frozen=True)
class OneLevel(Stateless):
    """Gradients of (L_train + L_val) / 2 in both the architecture and the weights.

    The two batches have the same size, so with one loss function this is the mean loss of their
    union (Liu, Simonyan, Yang, ICLR 2019, section 3.1.1, compares with it). The weights are not
    updated again by the training loss. `inner_step` is not used.
    """

    one_level = True

    def hypergradient(
        self, problem, weights, architecture, train_batch, validation_batch, inner_step
    ) -> Hypergradient:
        del inner_step
        train, (train_w, train_a) = gradients_of(
            problem.train_loss, weights, architecture, train_batch, wrt="wa"
        )
        validation, (validation_w, validation_a) = gradients_of(
            problem.validation_loss, weights, architecture, validation_batch, wrt="wa"
        )
        mean = [
            (x + y) / 2 for x, y in zip(train_w + train_a, validation_w + validation_a, strict=True)
        ]
        mean = problem.reduce(mean)
        return Hypergradient(
            mean[len(weights) :], (train + validation) / 2, weights=mean[: len(weights)]
        )


@dataclasses.dataclass(frozen=True)
class OneLevelTrain(Stateless):
    """Gradients of L_train in both the architecture and the weights.

    SNAS (Xie, Zheng, Liu, Lin, ICLR 2019) trains both on the same data, without a validation set
    for the architecture. `validation_batch` and `inner_step` are not used.
    """

    one_level = True

    def hypergradient(
        self, problem, weights, architecture, train_batch, validation_batch, inner_step
    ) -> Hypergradient:
        del validation_batch, inner_step
        loss, (by_weights, by_architecture) = gradients_of(
            problem.train_loss, weights, architecture, train_batch, wrt="wa"
        )
        reduced = problem.reduce(by_weights + by_architecture)
        return Hypergradient(reduced[len(weights) :], loss, weights=reduced[: len(weights)])


one_level = OneLevel()
one_level_train = OneLevelTrain()
