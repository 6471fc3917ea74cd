"""No hypergradient: nothing is learned about architectures."""

import dataclasses

from darts_tf.gradients.first_order import FirstOrder
from darts_tf.gradients.gradient import Gradient
from darts_tf.gradients.problem import Hypergradient


@dataclasses.dataclass(frozen=True)
class NoStep(Gradient):
    """The meaning of `gradient=None`: a search that takes no step of the architecture.

    Its weights are trained, as those of random search with weight sharing (Li, Talwalkar, UAI 2019,
    section 3.3), or nothing is, as in TE-NAS; its cell is the selection's business alone.
    """

    moves = False
    # Its step lacks what a step of first order has for the architecture, which is little.
    memory = FirstOrder.memory

    def __call__(self, problem, point, batches) -> Hypergradient:
        """There is none."""
        raise TypeError("a search without a hypergradient takes no step of the architecture")
