"""A supernet whose state is a decaying sum, and streams of sequences for it."""

import keras
import numpy as np
import tensorflow as tf

from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Metric, Task

BATCH, STEPS, TIME = 4, 3, 2


class Decaying(Supernet):
    """Reads sequences of images; an output is that of the image and half of the output before."""

    def call(self, images, seed=None, weights=None, mixed=False, state=None):
        batch, time = tf.shape(images)[0], tf.shape(images)[1]
        flat = tf.reshape(images, tf.concat([[batch * time], tf.shape(images)[2:]], 0))
        logits = super().call(flat, seed=seed, weights=weights, mixed=mixed)
        logits = tf.reshape(logits, [batch, time, -1])
        before = tf.zeros_like(logits[:, 0]) if state is None else state
        outputs = tf.scan(
            lambda last, now: 0.5 * last + now, tf.transpose(logits, [1, 0, 2]), before
        )
        outputs = tf.transpose(outputs, [1, 0, 2])
        return outputs, outputs[:, -1]


class Stream(Task):
    """Squared errors of sequences, `[batch, time]`."""

    def losses(self, targets, outputs):
        return tf.reduce_sum((outputs - targets) ** 2, -1)

    def metrics(self):
        def error(targets, outputs):
            return tf.reduce_mean(tf.abs(outputs - targets), -1)

        return (Metric.mean("error", error, larger_is_better=False),)

    def initial_state(self, model, batch_size):
        return tf.zeros((batch_size, 2))


def sequences(part, epoch, steps=STEPS, time=TIME):
    """Batches of sequences that follow each other: the same stream, however it is cut."""
    draw = np.random.default_rng([part, epoch])
    shape = BATCH, 12, 4, 4, 1
    images = draw.normal(size=shape).astype("float32")[:, : steps * time]
    targets = draw.normal(size=(BATCH, 12, 2)).astype("float32")[:, : steps * time]
    cut = [np.split(x, steps, axis=1) for x in (images, targets)]
    return tf.data.Dataset.from_tensor_slices(tuple(np.stack(x) for x in cut))


def masked(part, epoch):
    """The same with weights: of the last examples the first step alone counts."""
    weights = np.ones((BATCH, TIME), "float32")
    weights[BATCH // 2 :, 1:] = 0
    return sequences(part, epoch).map(lambda *batch: (*batch, weights))


def make(space, cells=1, **options):
    """A new supernet for them."""
    keras.utils.set_random_seed(0)
    # `build` sees images, `call` sequences of them.
    return Decaying(space, (4, 4, 1), 2, channels=2, cells=cells, **options)
