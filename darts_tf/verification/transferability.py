"""Claims about the search by transferability: its relations by hand, its hypergradient of a net."""

import functools
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.gradients import InnerStep, Level, Problem
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, gradients_of
from darts_tf.layers.convolutions import batch_normalization, convolution
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.levels import LevelChain, Transferability, relations
from darts_tf.verification import supernets
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


class Case(NamedTuple):
    """A chain of three at a point, with the batches of its levels.

    Attributes:
        problem: with steps.
        point: level name -> values.
        batches: level name -> batch.
    """

    problem: Problem
    point: dict
    batches: dict

    def estimate(self, name: str, **options) -> np.ndarray:
        """The hypergradient by the estimator of that name: all entries in a row."""
        found = gradients.get(name, **options)(self.problem, self.point, self.batches)
        return supernets.flat(found.architecture)

    def numeric(self, size: float = 1e-5) -> np.ndarray:
        """Central differences of the outermost loss after all steps, without any estimator."""

        @partial(tf.function, autograph=False)
        def value(*architecture):
            point = {**self.point, ARCHITECTURE: list(architecture)}
            for level in self.problem.inner:
                name = level.name
                found = gradients_of(level.loss, point, self.batches[name], wrt=[name])
                point = {**point, name: level.step(point[name], found.gradients[name])}
            return self.problem.outer.loss(point, self.batches[ARCHITECTURE])

        values, derivatives = self.point[ARCHITECTURE], []
        for k, alpha in enumerate(values):
            for index in np.ndindex(*alpha.shape):
                change = np.zeros(alpha.shape)
                change[index] = size
                ahead, behind = (
                    value(*values[:k], alpha + sign * change, *values[k + 1 :]).numpy()
                    for sign in (1, -1)
                )
                derivatives.append((ahead - behind) / (2 * size))
        return np.array(derivatives)


@functools.cache
def vectors() -> Case:
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
    return Case(problem, point, dict(zip(point, (batches[0], batches[1], batches[1]), strict=True)))


def supernet(smooth: bool, **options) -> Case:
    """A tiny supernet of `supernets.make` in float64 with an auxiliary network of one convolution.

    Args:
        smooth: whether all derivatives exist everywhere.
        **options: of `Transferability`.
    """
    example = supernets.make("float64", smooth=smooth)
    level = Transferability(auxiliary=_convolution, temperature=0.3, **options)
    level.build(example.problem)
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
    return Case(problem, {ARCHITECTURE: alphas, WEIGHTS: weights, _AUXILIARY: values}, batches)


def _convolution(shape):
    with inner_layers(keras.dtype_policies.get("float64")):
        images = keras.Input(shape, dtype="float64")
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


def _difference_of_supernet():
    case = supernet(smooth=True)
    exact = case.estimate("unrolled")
    return [_error(case.estimate("finite_difference", radius=r), exact)[0] for r in (1e-2, 1e-3)]


def _without_relations(name):
    """How far it is from DARTS' second order where the auxiliary learns nothing of the supernet."""
    case = supernet(smooth=False, gamma=0.0)
    return _error(case.estimate(name), supernets.kinked().estimate(name))


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
    # It falls with the square of the radius, and is 1.5e-2 at the default one, 1e-2.
    Claim(
        "transferability: supernet without kinks, finite_difference, radii 1e-2 and 1e-3",
        (1.47e-2, 1.47e-4),
        5e-4,
        _difference_of_supernet,
    ),
    *(
        Claim(
            f"transferability: gamma 0, lambda 1, {name}, distance from DARTS' second order",
            (0.0,),
            1e-12,
            partial(_without_relations, name),
        )
        for name in ("unrolled", "finite_difference")
    ),
)
