"""The first-order hypergradient: the weights are taken as already optimal."""

import dataclasses

from darts_tf.gradients.gradient import Stateless, StepMemory
from darts_tf.gradients.problem import Hypergradient, gradients_of


@dataclasses.dataclass(frozen=True)
class FirstOrder(Stateless):
    """g = dL_val(w, a)/da: the unrolled gradient with an inner learning rate of 0.

    Liu, Simonyan, Yang, ICLR 2019, section 2.3, "first-order approximation". For chains of any
    length, of which it sees the outermost loss only: no inner level's loss, batch or step is used.
    """

    memory = StepMemory(graph_bytes=79_000, weight_copies=3)
    repeats = False

    def hypergradient(self, problem, point, batches) -> Hypergradient:
        outer = problem.outer
        found = gradients_of(outer.loss, point, batches[outer.name], wrt=[outer.name])
        gradient = problem.reduce(found.gradients[outer.name])
        return Hypergradient(gradient, found.loss, carried=found.carried)


first_order = FirstOrder()
