"""One-level optimisation: weights and architecture from one loss."""

import dataclasses

from darts_tf.gradients.gradient import Stateless, the_inner_level
from darts_tf.gradients.problem import Hypergradient, gradients_of


@dataclasses.dataclass(frozen=True)
class OneLevel(Stateless):
    """Gradients of (L_train + L_val) / 2 in both the architecture and the weights.

    The two batches have the same size, so with one loss function this is the mean loss of their
    union (Liu, Simonyan, Yang, ICLR 2019, section 3.1.1, compares with it). The weights are not
    updated again by the training loss. For chains of two only: the levels become one, which is
    trained on all data, and that needs losses of the same variables.
    """

    one_level = True

    def hypergradient(self, problem, point, batches) -> Hypergradient:
        outer, inner = problem.outer, the_inner_level(problem, _REASON)
        names = [inner.name, outer.name]
        train, validation = (
            gradients_of(level.loss, point, batches[level.name], wrt=names)
            for level in (inner, outer)
        )
        mean = [
            (x + y) / 2
            for name in names
            for x, y in zip(train.gradients[name], validation.gradients[name], strict=True)
        ]
        weights, architecture = _split(problem.reduce(mean), len(point[inner.name]))
        loss = (train.loss + validation.loss) / 2
        return Hypergradient(architecture, loss, weights, carried=validation.carried)


@dataclasses.dataclass(frozen=True)
class OneLevelTrain(Stateless):
    """Gradients of L_train in both the architecture and the weights.

    SNAS (Xie, Zheng, Liu, Lin, ICLR 2019) trains both on the same data, without a validation set
    for the architecture. The validation batch is not used. For chains of two only, as `OneLevel`.
    """

    one_level = True

    def hypergradient(self, problem, point, batches) -> Hypergradient:
        outer, inner = problem.outer, the_inner_level(problem, _REASON)
        names = [inner.name, outer.name]
        found = gradients_of(inner.loss, point, batches[inner.name], wrt=names)
        reduced = problem.reduce([x for name in names for x in found.gradients[name]])
        weights, architecture = _split(reduced, len(point[inner.name]))
        return Hypergradient(architecture, found.loss, weights)


_REASON = "all variables in one loss; further levels have variables that it does not depend on"


def _split(tensors, count):
    return tensors[:count], tensors[count:]


one_level = OneLevel()
one_level_train = OneLevelTrain()
