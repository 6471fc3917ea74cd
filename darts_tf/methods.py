"""The table of methods: each is one part of every axis, with its defaults and its paper."""

import dataclasses

from darts_tf.errors import UserError


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
    if name not in METHODS:
        raise UserError(f"unknown method {name!r}; known methods: {', '.join(METHODS)}")
    return METHODS[name]
