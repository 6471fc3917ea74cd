"""Tiny supernets with everything that a search has, and the derivatives that they must have."""

import contextlib
import functools
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from darts_tf import gradients, spaces
from darts_tf.gradients import InnerStep
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet

_CLASSES, _SIZE, _BATCH = 3, 6, 4
# One node a cell keeps tracing short.
_SPACES = {
    smooth: spaces.Space(
        f"verification_{'smooth' if smooth else 'kinked'}",
        ("none", "avg_pool_3x3" if smooth else "max_pool_3x3", "skip_connect", "sep_conv_3x3"),
        nodes=1,
    )
    for smooth in (False, True)
}


class Example(NamedTuple):
    """A supernet at random weights and alphas, as a bilevel problem with two batches.

    Attributes:
        problem: the supernet with cross-entropy on both levels.
        train, validation: batches of (images, labels).
        step: the inner step: learning rate 0.05, momentum 0.9 with a velocity that is not zero,
            L2 3e-4.
    """

    problem: SupernetProblem
    train: tuple
    validation: tuple
    step: InnerStep

    def point(self):
        """(weights, alphas) as tensors."""
        supernet = self.problem.supernet
        variables = supernet.weight_variables, supernet.architecture_variables
        return tuple([tf.convert_to_tensor(v) for v in group] for group in variables)

    def estimate(self, name: str, **options) -> np.ndarray:
        """The hypergradient by the estimator of that name: all entries in a row, float64."""
        weights, alphas = self.point()
        estimated = gradients.get(name, **options)(
            self.problem.levels().with_steps(weights=self.step),
            {ARCHITECTURE: alphas, WEIGHTS: weights},
            {ARCHITECTURE: self.validation, WEIGHTS: self.train},
        )
        return flat(estimated.architecture)

    def direct_term(self) -> tuple[np.ndarray, list[tf.Tensor]]:
        """dL_val(w', a)/da with w' held fast, and v = dL_val(w', a)/dw'."""
        weights, alphas = self.point()
        moved = self.step(weights, _train_gradient(self, weights, alphas))
        with tf.GradientTape() as tape:
            tape.watch([moved, alphas])
            loss = self.problem.loss({ARCHITECTURE: alphas, WEIGHTS: moved}, self.validation)
        v, direct = tape.gradient(loss, [moved, alphas])
        return flat(direct), v


def make(dtype: str, *, smooth: bool, seed: int = 0, policy: str | None = None) -> Example:
    """A supernet of 3 cells and 2 channels with batch normalisation.

    Args:
        dtype: "float32" or "float64", of all variables and all arithmetic.
        smooth: whether its loss has derivatives of all orders; otherwise it has ReLUs and max
            pooling, as every supernet of the literature.
        seed: of weights, alphas and batches.
        policy: Keras' dtype policy of the layers, for arithmetic in another type. Default: `dtype`.
    """
    space = spaces.register(_SPACES[smooth])
    with dtype_policy(policy or dtype):
        keras.utils.set_random_seed(seed)
        supernet = (SmoothSupernet if smooth else TypedSupernet)(
            space.name,
            (_SIZE, _SIZE, 1),
            _CLASSES,
            channels=2,
            cells=3,
            # Batched cells take one ReLU for many operations, not a layer that can be replaced.
            batched=not smooth,
        )
    rng = np.random.default_rng(seed)
    for alpha in supernet.architecture_variables:
        alpha.assign(rng.normal(size=alpha.shape))
    velocities = [
        tf.constant(0.01 * rng.normal(size=w.shape), dtype) for w in supernet.weight_variables
    ]
    # Tracing would take longer than all the rest here.
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits
    problem = SupernetProblem(supernet, loss, traced=False)
    return Example(
        problem,
        _batch(rng, dtype),
        _batch(rng, dtype),
        InnerStep(0.05, 0.9, velocities, weight_decay=3e-4),
    )


def copy_variables(source: Example, target: Example) -> None:
    """Gives a supernet the weights, alphas and statistics of another one, in its own types."""
    pairs = zip(source.problem.supernet.variables, target.problem.supernet.variables, strict=True)
    for own, other in pairs:
        other.assign(tf.cast(own.value, other.dtype))


@functools.cache
def kinked() -> Example:
    """A supernet with ReLUs and max pooling in float64."""
    return make("float64", smooth=False)


@functools.cache
def numeric_derivatives() -> tuple[np.ndarray, np.ndarray]:
    """Central differences at `kinked()` in every alpha, without any estimator.

    Returns:
        (whole, second): d/da L_val(w'(a), a) where w'(a) is the inner step, differentiated too;
        and its second-order term alone, -xi d/da <dL_train(w, a)/dw, v> with v held fast.
    """
    example = kinked()
    _, v = example.direct_term()
    weights, alphas = example.point()

    @functools.partial(tf.function, autograph=False)
    def values(*alphas):
        gradient = _train_gradient(example, weights, list(alphas))
        moved = {ARCHITECTURE: list(alphas), WEIGHTS: example.step(weights, gradient)}
        outer = example.problem.loss(moved, example.validation)
        along = tf.add_n([tf.reduce_sum(g * x) for g, x in zip(gradient, v, strict=True)])
        return tf.stack([outer, along])

    # Larger ones lose to kinks and curvature, smaller ones to round-off.
    size = 1e-5
    derivatives = []
    for k, alpha in enumerate(alphas):
        for index in np.ndindex(*alpha.shape):
            change = np.zeros(alpha.shape)
            change[index] = size
            ahead, behind = (
                values(*alphas[:k], alpha + sign * change, *alphas[k + 1 :]).numpy()
                for sign in (1, -1)
            )
            derivatives.append((ahead - behind) / (2 * size))
    whole, along = np.transpose(derivatives)
    return whole, -example.step.learning_rate * along


def flat(tensors) -> np.ndarray:
    """All entries in a row, as float64."""
    return np.concatenate([np.ravel(x) for x in tensors]).astype("float64")


def _train_gradient(example, weights, alphas):
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = example.problem.loss({ARCHITECTURE: alphas, WEIGHTS: weights}, example.train)
    return tape.gradient(loss, weights)


def _batch(rng, dtype):
    images = tf.constant(rng.normal(size=(_BATCH, _SIZE, _SIZE, 1)), dtype)
    return images, tf.constant(rng.integers(0, _CLASSES, _BATCH), tf.int32)


class TypedSupernet(Supernet):
    """A supernet all of whose variables have the type of the policy, the alphas too."""

    @property
    def _architecture_dtype(self):
        return self.variable_dtype


class SmoothSupernet(TypedSupernet):
    """One with softplus in place of ReLU; so is what is made of its configuration."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for layer in self._flatten_layers():
            if isinstance(layer, keras.layers.ReLU):
                layer.call = keras.activations.softplus


@contextlib.contextmanager
def dtype_policy(name):
    """A scope in which layers have this policy unless they are told otherwise."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
