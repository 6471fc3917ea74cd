"""Claims about the search by transferability: its relations by hand, its hypergradient of a net."""

import functools
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from darts_tf.gradients import InnerStep, Level, Problem
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.layers.convolutions import batch_normalization, convolution
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.levels import LevelChain, Transferability, relations
from darts_tf.verification import supernets
from darts_tf.verification.chains import Chain
from darts_tf.verification.claim import Claim

_AUXILIARY = Transferability.name


def _relations():
    """Of margins .5 and -.3 and the auxiliary's -.2 and .1: the first loss, and the mean."""
    main, auxiliary = (tf.constant(x, tf.float64) for x in ([0.5, -0.3], [-0.2, 0.1]))
    losses = relations.relation_losses(main, auxiliary)
    return [losses[0], tf.reduce_mean(losses)]


def _slopes():
    """Of the first loss in both margins."""
    margins = [tf.constant(x, tf.float64) for x in (0.5, -0.2)]
    with tf.GradientTape() as tape:
        tape.watch(margins)
        loss = relations.relation_losses(*margins)
    return tape.gradient(loss, margins)


@functools.cache
def vectors() -> Chain:
    """Features tanh(W x) scaled by A, whose relations the linear features V x learn; float64."""
    rng = np.random.default_rng(0)
    batches = [tf.constant(rng.normal(size=(5, 4))) for _ in range(2)]
    point = {
        ARCHITECTURE: [tf.constant(rng.normal(size=3))],
        WEIGHTS: [tf.constant(rng.normal(size=(4, 3)))],
        _AUXILIARY: [tf.constant(rng.normal(size=(4, 2)))],
    }
    indices = tf.constant(relations.all_quadruples(5), tf.int32)

    def main(point, batch):
        return tf.tanh(batch @ point[WEIGHTS][0]) * point[ARCHITECTURE][0]

    def train(point, batch):
        return tf.reduce_mean((tf.reduce_sum(main(point, batch), 1) - batch[:, 0]) ** 2)

    def of_auxiliary(point, batch):
        own = batch @ point[_AUXILIARY][0]
        answers, learned = (relations.margins(x, indices) for x in (main(point, batch), own))
        labels = tf.reduce_mean((tf.reduce_sum(own, 1) - batch[:, 0]) ** 2)
        return labels + tf.reduce_mean(relations.relation_losses(answers, learned, 0.3))

    def validation(point, batch):
        own = tf.reduce_sum(batch @ point[_AUXILIARY][0], 1)
        return tf.reduce_mean((own - batch[:, 1]) ** 2) + 0.5 * train(point, batch)

    problem = Problem(
        (
            Level(ARCHITECTURE, validation),
            Level(WEIGHTS, train, InnerStep(0.1)),
            Level(_AUXILIARY, of_auxiliary, InnerStep(0.2)),
        )
    )
    return Chain(
        problem, point, dict(zip(point, (batches[0], batches[1], batches[1]), strict=True))
    )


def supernet(smooth: bool, dtype: str = "float64", auxiliary=None, **options) -> Chain:
    """A tiny supernet of `supernets.make` with an auxiliary network.

    Args:
        smooth: whether all derivatives exist everywhere.
        dtype: "float32" or "float64", of everything.
        auxiliary: as of `Transferability`. Default: one convolution.
        **options: more of `Transferability`.
    """
    example = supernets.make(dtype, smooth=smooth)
    auxiliary = auxiliary or partial(_convolution, dtype)
    level = Transferability(auxiliary=auxiliary, **{"temperature": 0.3, **options})
    level.build(example.problem)
    rng = np.random.default_rng(1)
    for alpha in level.architecture_variables:
        alpha.assign(rng.normal(size=alpha.shape))
    weights, alphas = example.point()
    values = [tf.convert_to_tensor(v) for v in level.variables]
    velocities = [0.01 * v for v in values]
    problem = LevelChain(example.problem, [level]).levels()
    problem = problem.with_steps(
        **{WEIGHTS: example.step, _AUXILIARY: InnerStep(0.2, 0.9, velocities, weight_decay=3e-4)}
    )
    batches = {
        ARCHITECTURE: example.validation,
        WEIGHTS: example.train,
        _AUXILIARY: example.train,
    }
    # Both architectures are moved by one hypergradient.
    alphas = [*alphas, *map(tf.convert_to_tensor, level.architecture_variables)]
    return Chain(problem, {ARCHITECTURE: alphas, WEIGHTS: weights, _AUXILIARY: values}, batches)


def _convolution(dtype, shape):
    with inner_layers(keras.dtype_policies.get(dtype)):
        images = keras.Input(shape, dtype=dtype)
        (layer,) = convolution(4, 3)
        outputs = batch_normalization(affine=True)(layer(images))
        return keras.Model(images, keras.layers.Activation("softplus")(outputs))


def _error(found, true):
    return [np.linalg.norm(found - true) / np.linalg.norm(true)]


def _of_vectors(name, **options):
    return _error(vectors().estimate(name, **options), vectors().numeric())


def _of_supernet():
    # By far the largest share of it comes through the auxiliary.
    case = supernet(smooth=False, main_weight=0.1, gamma=50.0)
    return _error(case.estimate("unrolled"), case.numeric())


def _of_two_supernets():
    """Of both architectures; with kinks, differences of this chain would depend on their size."""
    case = supernet(smooth=True, auxiliary="supernet", main_weight=0.1, gamma=1.0)
    return _error(case.estimate("unrolled"), case.numeric())


def _difference_of_supernet():
    case = supernet(smooth=True)
    exact = case.estimate("unrolled")
    return [
        _error(case.estimate("finite_difference", radius=r), exact)[0] for r in (1e-2, None, 1e-3)
    ]


def _without_relations(name, **options):
    """How far it is from DARTS' second order where the auxiliary learns nothing of the supernet."""
    case = supernet(smooth=False, gamma=0.0)
    return _error(case.estimate(name, **options), supernets.kinked().estimate(name, **options))


CLAIMS = (
    Claim("transferability: relation losses", (0.7226307, 0.7122359), 1e-7, _relations),
    # -(d_V / T) q (1 - q) / T and (r - q) / T.
    Claim("transferability: their derivatives", (0.0470007, -0.1722933), 5e-8, _slopes),
    Claim(
        "transferability: vectors, unrolled, relative error",
        (0.0,),
        1e-6,
        partial(_of_vectors, "unrolled"),
    ),
    Claim(
        "transferability: vectors, finite_difference, relative error",
        (0.0,),
        1e-3,
        partial(_of_vectors, "finite_difference"),
    ),
    Claim("transferability: supernet, unrolled, relative error", (0.0,), 1e-6, _of_supernet),
    Claim(
        "transferability: two supernets without kinks, both architectures, unrolled",
        (0.0,),
        1e-6,
        _of_two_supernets,
    ),
    # It falls with the square of the radius; the default one of chains is 3e-3.
    Claim(
        "transferability: supernet without kinks, finite_difference, radii 1e-2, default, 1e-3",
        (1.47e-2, 1.32e-3, 1.47e-4),
        5e-4,
        _difference_of_supernet,
    ),
    *(
        Claim(
            f"transferability: gamma 0, lambda 1, {name}, distance from DARTS' second order",
            (0.0,),
            1e-12,
            partial(_without_relations, name, **options),
        )
        for name, options in (("unrolled", {}), ("finite_difference", {"radius": 1e-2}))
    ),
)
