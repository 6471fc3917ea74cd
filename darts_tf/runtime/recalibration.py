"""Moving statistics of batch normalisation, measured again at the weights as they are.

The moving average of momentum m still holds m^k of its initial value after k steps (a third after
11 steps with 0.9), and what else it holds are statistics of earlier weights and, where a relaxation
draws, of other architectures. In a short training that makes inference mode noise.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from darts_tf.runtime import shared_traces

#: A plain mean over n batches is as precise as a moving average of momentum m that has settled
#: where n = (1 + m) / (1 - m); the layers here have 0.9.
BATCHES = 19

# Stands for a variance that nothing has moved: in every precision exact and next to nothing.
_UNTOUCHED = 2.0**-100


class Recalibration:
    """Replaces a model's moving statistics by plain means over the statistics of some batches.

    Wu, Johnson, "Rethinking 'Batch' in BatchNorm", 2021, section 3 ("PreciseBN"). It costs a
    forward pass in training mode for each batch, and nothing else changes: weights, optimizers and
    random states stay. Statistics that the passes do not move, as those of operations that were not
    drawn, stay too. What the statistics were before makes no difference.

    Args:
        model: a built model; all its trainable `keras.layers.BatchNormalization` take part.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self._layers = [
            layer
            for layer in model._flatten_layers()
            if isinstance(layer, keras.layers.BatchNormalization)
            # Others normalise by their moving statistics in training mode too.
            and layer.trainable
            and layer.momentum < 1
        ]
        self._measure = tf.function(self._statistics, reduce_retracing=True, autograph=False)
        self._sharing = shared_traces.sharing()

    def __call__(self, images: Iterable) -> None:
        """Measures and assigns the statistics.

        Args:
            images: batches of what the model is called with; without any nothing changes.
        """
        count, sums = 0, 0.0
        for batch in images if self._layers else ():
            # A larger batch knows more.
            examples = len(tf.nest.flatten(batch)[0])
            sums = sums + examples * self._measure(batch).numpy()
            count += examples
        if not count:
            return
        variables = [variable for layer in self._layers for variable in _statistics_of(layer)]
        ends = np.cumsum([variable.shape[0] for variable in variables])
        for variable, value in zip(variables, np.split(sums / count, ends[:-1]), strict=True):
            old = keras.ops.convert_to_numpy(variable)
            variable.assign(np.where(np.isnan(value), old, value).astype(old.dtype))

    def _statistics(self, images) -> tf.Tensor:
        """The mean and the variance of every layer in a row; NaN for what nothing moves."""
        given = [
            (variable, tf.cast(tf.fill(variable.shape, start), variable.dtype))
            for layer in self._layers
            for variable, start in zip(_statistics_of(layer), (0.0, _UNTOUCHED), strict=True)
        ]
        with self._sharing(), keras.StatelessScope(state_mapping=given) as scope:
            self._model(images, training=True)
        nothing, found = tf.constant(np.nan, tf.float64), []
        for layer in self._layers:
            mean, variance = (scope.get_current_value(v) for v in _statistics_of(layer))
            still = tf.equal(variance, tf.cast(_UNTOUCHED, variance.dtype))
            # From these initial values a moving average comes to 1 - momentum of the batch's.
            found += [
                tf.where(still, nothing, tf.cast(value, tf.float64) / (1 - layer.momentum))
                for value in (mean, variance)
            ]
        return tf.concat(found, 0)


class BeforeValidation(keras.callbacks.Callback):
    """Measures the moving statistics before each validation of a `fit`.

    Args:
        recalibrate: of the model.
        images: gives batches of training images, of which the first `BATCHES` are used.
    """

    def __init__(self, recalibrate: Recalibration, images: Callable[[], Iterable]):
        super().__init__()
        self._recalibrate = recalibrate
        self._images = images

    def on_test_begin(self, logs=None):
        self._recalibrate(itertools.islice(self._images(), BATCHES))


def some_batches(x, batch_size: int) -> Iterator:
    """The first batches of what `fit` takes as `x`, without labels; always the same.

    Args:
        x: a `tf.data.Dataset` of batches, whose first elements count, or an array `[N, ...]`, whose
            order is mixed; of anything else there are none.
        batch_size: of an array.
    """
    if isinstance(x, tf.data.Dataset):
        for batch in x.take(BATCHES):
            yield batch[0] if isinstance(batch, tuple) else batch
    elif isinstance(x, np.ndarray | tf.Tensor):
        order = np.random.default_rng(0).permutation(len(x))[: BATCHES * batch_size]
        for start in range(0, len(order), batch_size):
            yield tf.gather(x, order[start : start + batch_size])


def _statistics_of(layer: keras.layers.BatchNormalization) -> tuple:
    return layer.moving_mean, layer.moving_variance
