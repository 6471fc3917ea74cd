"""The relaxation of FairDARTS."""

import dataclasses

import tensorflow as tf

from darts_tf.relaxations.relaxation import Relaxation, Start


@dataclasses.dataclass(frozen=True)
class Sigmoid(Relaxation):
    """Operation weights that do not compete: sigmoid(alpha), each for itself.

    FairDARTS: Chu, Zhou, Zhang, Li, ECCV 2020. Nothing then drives the weights to a decision, so
    the zero-one loss is added, which is smallest where every weight is 0 or 1:

        -zero_one_weight * mean of (sigmoid(alpha) - 1/2)^2

    over all cell types. `none` has the weight 0 and no part in it. All alphas start at 0, which is
    a saddle point of the zero-one loss.

    Args:
        zero_one_weight: default 10, the authors'.
        absolute: the mean of |sigmoid(alpha) - 1/2| instead.
    """

    zero_one_weight: float = 10.0
    absolute: bool = False

    def variables(self, space):
        return {"alpha": Start((len(space.edges), len(space.operations)), 0.0, 0.0)}

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        counted = space.choosable(cell_type, none=False)
        return tf.where(counted, tf.sigmoid(variables["alpha"]), 0.0)

    def penalty(self, space, cell_type, variables):
        if not self.zero_one_weight:
            return None
        distance = tf.sigmoid(variables["alpha"]) - 0.5
        distance = tf.abs(distance) if self.absolute else tf.square(distance)
        counted = {name: space.choosable(name, none=False) for name in space.cell_types}
        total = tf.reduce_sum(tf.where(counted[cell_type], distance, 0.0))
        count = sum(mask.sum() for mask in counted.values())
        return -self.zero_one_weight * total / float(count)
