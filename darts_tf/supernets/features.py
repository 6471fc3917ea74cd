"""The features of a supernet: what its head makes logits of."""

import tensorflow as tf

from darts_tf.common.constant_weights import weights_are_constant
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, Point
from darts_tf.supernets.problem import SupernetProblem


class SupernetFeatures:
    """The features as a function of given weights and architecture variables, in training mode.

    They are what the head is given as a mean over all positions, so that every macro network has
    them. The relaxation's weights are those of a step of the architecture.

    Args:
        problem: the supernet.
    """

    def __init__(self, problem: SupernetProblem):
        self._problem = problem
        self._run = problem.pass_of(self._features)

    def __call__(self, point: Point, inputs, seed=None) -> tf.Tensor:
        """`[batch, channels]`; differentiable in the point, and nothing is written.

        Args:
            point: the values of the weights and of the architecture variables.
            inputs: of the supernet.
            seed: `[2]` int32, of what it draws; None for no draw.
        """
        if not self._problem.supernet.draws(ARCHITECTURE):
            seed = None
        given = point[WEIGHTS], point[ARCHITECTURE]
        return self._run(given, inputs, seed, weights_are_constant())

    def _features(self, given, inputs, seed, constant: bool) -> tf.Tensor:
        supernet, mixture = self._problem.supernet, None
        with self._problem.scope(*given, constant=constant):
            if seed is not None and not supernet.relaxation.draws.of(ARCHITECTURE):
                mixture = supernet.architecture.cell_weights()
            return supernet(inputs, training=True, seed=seed, weights=mixture, features=True)
