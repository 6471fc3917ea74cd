"""The table of methods: each is one part of every axis, with its defaults and its paper."""

import dataclasses

import keras

from darts_tf import optimizers
from darts_tf.lookup import lookup


@dataclasses.dataclass(frozen=True)
class Method:
    """A method of the literature.

    Attributes:
        name: on the command line.
        gradient: a name in `darts_tf.gradients`.
        paper: where it is defined.
        relaxation: a name in `darts_tf.relaxations`.
        selection: a name in `darts_tf.selections`.
        weight_learning_rate: (first, last) of the weights' SGD, decayed by a cosine.
        weight_momentum: of the weights' SGD.
        weight_decay: L2 of the weights, added to the gradient after clipping.
        clip_norm: largest global norm of the weights' gradient.
        architecture_learning_rate: of the alphas' Adam.
        architecture_betas: of the alphas' Adam.
        architecture_weight_decay: L2 of the alphas, added to the gradient.
    """

    name: str
    gradient: str
    paper: str
    relaxation: str = "softmax"
    selection: str = "magnitude"
    weight_learning_rate: tuple[float, float] = (0.025, 0.001)
    weight_momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    architecture_learning_rate: float = 3e-4
    architecture_betas: tuple[float, float] = (0.5, 0.999)
    architecture_weight_decay: float = 1e-3

    def make_weight_optimizer(self, total_steps: int) -> optimizers.SGD:
        """SGD whose learning rate falls along a cosine for `total_steps` steps."""
        first, last = self.weight_learning_rate
        schedule = keras.optimizers.schedules.CosineDecay(first, total_steps, alpha=last / first)
        return optimizers.SGD(schedule, self.weight_momentum, l2=self.weight_decay)

    def make_architecture_optimizer(self) -> optimizers.Adam:
        """Adam for the architecture variables."""
        beta_1, beta_2 = self.architecture_betas
        return optimizers.Adam(
            self.architecture_learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=1e-8,
            l2=self.architecture_weight_decay,
        )


_DARTS = "Liu, Simonyan, Yang. DARTS: Differentiable Architecture Search. ICLR 2019"

METHODS = {
    method.name: method
    for method in (
        Method("darts-v1", "first_order", f"{_DARTS}, first order"),
        Method("darts-v2", "finite_difference", f"{_DARTS}, second order, equation 8"),
        Method("darts-v2-exact", "unrolled", f"{_DARTS}, second order, equation 7, exact"),
        Method("one-level", "one_level", f"{_DARTS}, section 3.1.1, compared there"),
    )
}


def get(name: str) -> Method:
    """The method of that name.

    Raises:
        UserError: no method has that name.
    """
    return lookup("method", METHODS, name)
