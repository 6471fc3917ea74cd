"""A supernet of vectors, whose cells hold dense layers: for what a search does around its steps.

It is made of the parts that a user's own are: candidate operations, a macro network and a space. A
step of it takes a fraction of one that convolves.
"""

import keras
import numpy as np
import tensorflow as tf

from darts_tf import macros, operations, spaces

FEATURES, CLASSES = 3, 2


@operations.register("toy_dense")
def _dense(channels, strides):
    return keras.layers.Dense(channels)


@operations.register("toy_tanh")
def _tanh(channels, strides):
    return keras.layers.Dense(channels, activation="tanh")


macros.register(
    macros.Staged(
        "toy",
        stem=lambda channels: keras.layers.Dense(channels),
        reduction=lambda channels: keras.layers.Dense(channels),
        head=lambda classes: keras.layers.Dense(classes, dtype="float32"),
        stages=1,
        channels=2,
        cells=1,
    )
)
#: One edge and four candidates.
SPACE = spaces.register(
    spaces.Space(
        "toy",
        ("none", "skip_connect", "toy_dense", "toy_tanh"),
        nodes=1,
        inputs=1,
        cell_types=("normal",),
        preprocess=None,
        macro="toy",
    )
).name


def data(part: int, epoch: int, examples: int, batch: int = 4) -> tf.data.Dataset:
    """Batches of vectors and of the signs of their sums, other ones in every part and epoch."""
    rng = np.random.default_rng([part, epoch])
    vectors = rng.normal(size=(examples, FEATURES)).astype("float32")
    labels = (vectors.sum(axis=1) > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices((vectors, labels)).batch(batch)


def make(method, cells: int = 1, seed: int = 0, **options):
    """The supernet of a method."""
    size = (FEATURES,), CLASSES, 2, cells
    return method.make_supernet(SPACE, *size, seed=seed, **options)
