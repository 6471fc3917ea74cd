"""The hypergradient of an unrolled step with a finite difference for the second-order term."""

import tensorflow as tf

from darts_tf.gradients.problem import BilevelProblem, Hypergradient, InnerStep, gradients_of


def finite_difference(
    problem: BilevelProblem,
    weights,
    architecture,
    train_batch,
    validation_batch,
    inner_step: InnerStep,
    radius: float = 0.01,
) -> Hypergradient:
    """Equation 8 of DARTS: the mixed derivative times v as a central difference.

    Liu, Simonyan, Yang, ICLR 2019. With w' = inner_step(w, dL_train/dw), v = dL_val(w', a)/dw',
    r = `radius` / ||v|| (norm over all weights) and w+- = w +- r v,

        g = dL_val(w', a)/da - xi * (dL_train(w+, a)/da - dL_train(w-, a)/da) / (2 r)

    v and r are those of the global batch on every replica. Where ||v|| is zero or not finite, no
    direction exists: g is its first term alone, dL_val(w', a)/da, and `complete` is false. The
    default radius is the reference's; on smooth losses it is close to the best in float32, where a
    smaller one loses more to round-off than it gains.

    With ReLUs and max pooling it can be far off at any practical radius, because the loss has
    kinks between w+ and w-: `unrolled` is exact there too.
    """
    _, gradients = gradients_of(problem.train_loss, weights, architecture, train_batch, wrt="w")
    moved = inner_step(weights, problem.reduce(gradients))
    loss, (v, direct) = gradients_of(
        problem.validation_loss, moved, architecture, validation_batch, wrt="wa"
    )
    v = problem.reduce(v)
    norm = tf.linalg.global_norm(v)
    usable = tf.logical_and(tf.math.is_finite(norm), norm > 1e-12)
    step = radius / tf.where(usable, norm, tf.ones_like(norm))
    v = [tf.where(usable, x, tf.zeros_like(x)) for x in v]

    sides = []
    for sign in (1.0, -1.0):
        shifted = [w + sign * step * x for w, x in zip(weights, v, strict=True)]
        _, gradients = gradients_of(problem.train_loss, shifted, architecture, train_batch, wrt="a")
        sides.append(gradients)
    scale = inner_step.rate(norm.dtype) / (2 * step)
    hypergradient = [
        g - tf.cast(scale, g.dtype) * (plus - minus)
        for g, plus, minus in zip(direct, *sides, strict=True)
    ]
    return Hypergradient(problem.reduce(hypergradient), loss, complete=usable)
