"""Architectures that train all operations equally often, for a supernet that ranks cells."""

import dataclasses

import keras
import tensorflow as tf

from darts_tf.common.controls import Control
from darts_tf.relaxations.uniform import Uniform


@dataclasses.dataclass(frozen=True)
class Fair(Uniform):
    """A random architecture in every step; in rounds, in which each edge has each operation once.

    Chu, Zhang, Xu, FairNAS: Rethinking Evaluation Fairness of Weight Sharing Neural Architecture
    Search, ICCV 2021, section 3.2: without replacement, so that no operation is ahead of another.
    There the weights take one step a round, with the sum of its gradients; here one for each
    architecture, as with uniform sampling. For spaces that keep all edges and operations.

    Args:
        seed: of the orders.
    """

    seed: int = 0
    controls = (Control("step"),)

    def weights(self, space, cell_type, variables, temperature=None, seed=None, step=0.0):
        """See `Relaxation`; `step` counts the steps of the search, see `Steps`."""
        if seed is None:
            return self.probabilities(space, cell_type, variables)
        count, step = len(space.operations), tf.cast(step, tf.int32)
        draws = tf.random.stateless_uniform(
            (len(space.edges), count), tf.stack([self.seed, step // count])
        )
        chosen = tf.argsort(draws, axis=1)[:, step % count]
        return tf.one_hot(chosen, count)


class Steps(keras.callbacks.Callback):
    """Tells `Fair` the number of the step, also where a search goes on from a checkpoint.

    Args:
        search: its supernet has the relaxation `Fair`.
        steps: of an epoch.
    """

    def __init__(self, search, steps: int):
        super().__init__()
        self._control = search.supernet.architecture.controls["step"]
        self._steps = steps

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self._control.assign(float(self._epoch * self._steps + batch))
