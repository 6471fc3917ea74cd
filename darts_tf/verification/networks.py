"""Claims about layers and about real supernets."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from darts_tf import spaces
from darts_tf.cells.mixed_op import MixedOp, candidate
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.verification import supernets
from darts_tf.verification.claim import Claim

_GRADIENTS_OF_METHODS = ("one_level", "first_order", "unrolled", "finite_difference")


def _one_hot(strides):
    """Per operation, the largest difference of a mixed operation that is one-hot from it alone."""
    names = spaces.get("darts_cnn").operations
    keras.utils.set_random_seed(0)
    mixed = MixedOp(names, 4, strides)
    images = np.random.default_rng(0).normal(size=(3, 6, 5, 4)).astype("float32")
    mixed.build(images.shape)
    for k, name in enumerate(names):
        alone = candidate(name, 4, strides, normalized_pooling=True)
        alone.build(images.shape)
        alone.set_weights(mixed.candidates[k].get_weights())
        weights = np.eye(len(names), dtype="float32")[k]
        difference = mixed(images, weights, training=True) - alone(images, training=True)
        yield np.abs(difference).max()


def second_derivative_error(layer: keras.layers.BatchNormalization) -> float:
    """Relative error of Hessian-vector products of a loss behind batch normalisation.

    The true values are central differences of the loss, written out in numpy and float64.

    Args:
        layer: built for two channels. Its scale and offset are set.
    """
    rng = np.random.default_rng(0)
    x, mix = 2 + 3 * rng.normal(size=(4, 3, 3, 2)), rng.normal(size=(4, 3, 3, 2))
    # Their mean is not zero: directions without one do not see the term that Keras' layer loses.
    directions = 1 + rng.normal(size=(5, *x.shape))
    scale, offset = np.array([1.5, -0.5]), np.array([0.3, 0.1])
    along, size = directions[0], 3e-4

    def loss(x):
        deviation = x - x.mean(axis=(0, 1, 2))
        variance = (deviation**2).mean(axis=(0, 1, 2))
        return np.sum(mix * np.tanh(scale * deviation / np.sqrt(variance + layer.epsilon) + offset))

    expected = [
        sum(i * j * loss(x + size * (i * along + j * d)) for i in (1, -1) for j in (1, -1))
        / (4 * size**2)
        for d in directions[1:]
    ]
    layer.gamma.assign(scale)
    layer.beta.assign(offset)
    images, factors, direction = (tf.constant(y, layer.compute_dtype) for y in (x, mix, along))
    with tf.GradientTape() as outer:
        outer.watch(images)
        with tf.GradientTape() as inner:
            inner.watch(images)
            value = tf.reduce_sum(factors * tf.tanh(layer(images, training=True)))
        slope = tf.reduce_sum(inner.gradient(value, images) * direction)
    product = outer.gradient(slope, images).numpy().astype("float64")
    measured = [np.sum(product * d) for d in directions[1:]]
    return np.linalg.norm(np.subtract(measured, expected)) / np.linalg.norm(expected)


def _batch_normalization(dtype):
    layer = BatchNormalization(epsilon=1e-5, dtype=dtype)
    layer.build((None, 3, 3, 2))
    return [second_derivative_error(layer)]


def _changed_variables():
    """How many variables of a supernet change in any bit when a hypergradient is estimated."""
    example = supernets.make("float32", smooth=False)
    variables = example.problem.supernet.variables
    for name in _GRADIENTS_OF_METHODS:
        before = [v.numpy().tobytes() for v in variables]
        example.estimate(name)
        yield sum(v.numpy().tobytes() != b for v, b in zip(variables, before, strict=True))


def _largest_relative_error(measured, true):
    return np.abs(measured / true - 1).max()


def _whole_gradient(name, **options):
    true, _ = supernets.numeric_derivatives()
    return [_largest_relative_error(supernets.kinked().estimate(name, **options), true)]


def _second_order_term(name, **options):
    """The factor by which the term is too large, and its largest relative error."""
    _, true = supernets.numeric_derivatives()
    example = supernets.kinked()
    term = example.estimate(name, **options) - example.direct_term()[0]
    return [term @ true / (true @ true), _largest_relative_error(term, true)]


def _agreement_in_float32():
    example = supernets.make("float32", smooth=True)
    exact, difference = (example.estimate(name) for name in ("unrolled", "finite_difference"))
    return [np.linalg.norm(difference - exact) / np.linalg.norm(exact)]


CLAIMS = (
    *(
        Claim(
            f"mixed operation, one-hot, strides {strides}: difference from each operation",
            (0.0,) * 8,
            0.0,
            partial(_one_hot, strides),
        )
        for strides in (1, 2)
    ),
    *(
        Claim(
            f"batch normalisation: second derivative, relative error, {dtype}",
            (0.0,),
            tolerance,
            partial(_batch_normalization, dtype),
        )
        for dtype, tolerance in (("float64", 1e-6), ("float32", 1e-5))
    ),
    Claim(
        "supernet: variables changed by an architecture step, each estimator",
        (0.0,) * len(_GRADIENTS_OF_METHODS),
        0.0,
        _changed_variables,
    ),
    Claim(
        "supernet: unrolled, largest relative error of an entry",
        (0.0,),
        1e-6,
        partial(_whole_gradient, "unrolled"),
    ),
    Claim(
        "supernet: unrolled, second-order term alone: scale, largest relative error",
        (1.0, 0.0),
        1e-6,
        partial(_second_order_term, "unrolled"),
    ),
    # So small a radius meets no kink.
    Claim(
        "supernet: finite_difference, radius 1e-6, second-order term alone: scale, error",
        (1.0, 0.0),
        1e-6,
        partial(_second_order_term, "finite_difference", radius=1e-6),
    ),
    Claim(
        "supernet without kinks: finite_difference against unrolled, float32",
        (0.0,),
        1e-3,
        _agreement_in_float32,
    ),
)
