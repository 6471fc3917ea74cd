"""How supernets are trained whose literature does it otherwise than that of images."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """Settings of a search that belong to the network and its data, not to the method.

    A method that is given by its name takes them, see `darts_tf.methods.Method.for_space`. The rows
    of the methods' table have those of images.

    Attributes:
        weight_learning_rate: (first, last) of the weights' SGD, decayed by a cosine.
        weight_momentum: of the weights' SGD.
        weight_decay: L2 of the weights, added to the gradient after clipping.
        clip_norm: largest global norm of the weights' gradient.
        unrolled_clip_norm: the same inside the step that a hypergradient unrolls, None for no
            limit.
        architecture_learning_rate: of the alphas' Adam, in a search of `architecture_steps` steps.
        architecture_steps: of that search.
        architecture_betas: of the alphas' Adam.
        architecture_weight_decay: L2 of the alphas, added to the gradient.
    """

    weight_learning_rate: tuple[float, float]
    weight_momentum: float
    weight_decay: float
    clip_norm: float
    unrolled_clip_norm: float | None
    architecture_learning_rate: float
    architecture_steps: int
    architecture_betas: tuple[float, float]
    architecture_weight_decay: float
