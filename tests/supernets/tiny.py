"""Tiny supernets at random alphas as problems of two levels, and batches for them."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet


def cross_entropy(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def batch(seed, dtype="float32", size=8):
    rng = np.random.default_rng(seed)
    images = tf.constant(rng.normal(size=(size, 6, 6, 1)), dtype)
    return images, tf.constant(rng.integers(0, 3, size), tf.int32)


TRAIN, VALIDATION = batch(1), batch(2)
BATCHES = {"architecture": VALIDATION, "weights": TRAIN}


def make(space, kind=Supernet, **kwargs):
    keras.utils.set_random_seed(0)
    supernet = kind(space, (6, 6, 1), 3, channels=2, cells=3, **kwargs)
    rng = np.random.default_rng(4)
    for alpha in supernet.architecture_variables:
        alpha.assign(rng.normal(size=alpha.shape))
    return supernet


def make_problem(supernet):
    # Tracing takes longer than all the rest; `ArchitectureSearch` is tested with it.
    return SupernetProblem(supernet, cross_entropy, traced=False)


@contextlib.contextmanager
def restored(supernet):
    """Puts a supernet back as it was before."""
    before = values(supernet.variables)
    yield supernet
    for variable, value in zip(supernet.variables, before, strict=True):
        variable.assign(value)


def values(variables):
    return [variable.numpy() for variable in variables]


def tensors(variables):
    return [tf.convert_to_tensor(variable) for variable in variables]


def assert_same(left, right):
    for x, y in zip(left, right, strict=True):
        np.testing.assert_array_equal(x, y)


def estimate(name, problem, train, validation, step, **kwargs):
    return gradients.get(name)(
        problem.levels().with_steps(weights=step),
        point(problem.supernet),
        {"architecture": validation, "weights": train},
        **kwargs,
    )


def point(supernet):
    return at(tensors(supernet.weight_variables), tensors(supernet.architecture_variables))


def at(weights, alphas):
    return {"architecture": alphas, "weights": weights}


def flat(arrays):
    return np.concatenate([np.ravel(x) for x in arrays]).astype("float64")
