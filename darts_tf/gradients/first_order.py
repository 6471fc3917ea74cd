"""The first-order hypergradient: the weights are taken as already optimal."""

import dataclasses

from darts_tf.gradients.gradient import Stateless, StepMemory
from darts_tf.gradients.problem import Hypergradient, gradients_of


@dataclasses.dataclass(frozen=True)
class FirstOrder(Stateless):
    """g = dL_val(w, a)/da: the unrolled gradient with an inner learning rate of 0.

    Liu, Simonyan, Yang, ICLR 2019, section 2.3, "first-order approximation". `train_batch` and
    `inner_step` are not used.
    """

    memory = StepMemory(graph_bytes=148_000, weight_copies=3)

    def hypergradient(
        self, problem, weights, architecture, train_batch, validation_batch, inner_step
    ) -> Hypergradient:
        del train_batch, inner_step
        loss, gradients = gradients_of(
            problem.validation_loss, weights, architecture, validation_batch, wrt="a"
        )
        return Hypergradient(problem.reduce(gradients), loss)


first_order = FirstOrder()
