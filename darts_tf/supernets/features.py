"""The features of a supernet: what its head makes logits of."""

from typing import NamedTuple

import tensorflow as tf

from darts_tf.common.constant_weights import weights_are_constant
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, Point
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet


class FeaturePass(NamedTuple):
    """The result of a pass.

    Attributes:
        features: `[batch, channels]`.
        statistics: new values of the problem's `statistics`; empty where weights are constant.
    """

    features: tf.Tensor
    statistics: list[tf.Tensor]


class SupernetFeatures:
    """The features as a function of given weights and architecture variables, in training mode.

    They are what the head is given as a mean over all positions, so that every macro network has
    them. The relaxation's weights are those of a step of the architecture.

    Args:
        problem: the supernet.
        scheduled: another supernet of the same controls, whose values count; None for its own.
    """

    def __init__(self, problem: SupernetProblem, scheduled: Supernet | None = None):
        self._problem = problem
        self._scheduled = scheduled
        self._run = problem.pass_of(self._pass)

    @property
    def channels(self) -> int:
        """How many there are of an example."""
        supernet = self._problem.supernet

        def before_head(part, shape):
            return shape if part is supernet.head else part.compute_output_shape(shape)

        return supernet.walk(supernet.signature.shape, before_head)[-1]

    def __call__(self, point: Point, inputs, seed=None) -> FeaturePass:
        """Differentiable in the point, and nothing is written.

        Args:
            point: the values of the weights and of the architecture variables.
            inputs: of the supernet.
            seed: `[2]` int32, of what it draws; None for no draw.
        """
        if not self._problem.supernet.draws(ARCHITECTURE):
            seed = None
        given = point[WEIGHTS], point[ARCHITECTURE]
        return self._run(given, inputs, seed, weights_are_constant())

    def _pass(self, given, inputs, seed, constant: bool) -> FeaturePass:
        supernet, mixture = self._problem.supernet, None
        with self._problem.scope(*given, self._others(), constant=constant) as scope:
            if seed is not None and not supernet.relaxation.draws.of(ARCHITECTURE):
                mixture = supernet.architecture.cell_weights()
            features = supernet(inputs, training=True, seed=seed, weights=mixture, features=True)
        moved = ((v, scope.get_current_value(v)) for v in self._problem.statistics)
        values = [] if constant else [v.value if new is None else new for v, new in moved]
        return FeaturePass(features, [tf.convert_to_tensor(value) for value in values])

    def _others(self) -> list[tuple]:
        """Pairs of a control and the value that it has instead of its own."""
        if self._scheduled is None:
            return []
        own, other = (s.architecture.controls for s in (self._problem.supernet, self._scheduled))
        return [(variable, tf.convert_to_tensor(other[name])) for name, variable in own.items()]
