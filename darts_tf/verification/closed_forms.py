"""Claims about the estimators on problems whose hypergradient is known by hand."""

from functools import partial

import numpy as np
import tensorflow as tf

from darts_tf import gradients
from darts_tf.gradients import InnerStep, Level
from darts_tf.verification import chains, problems
from darts_tf.verification.claim import Claim
from darts_tf.verification.problems import hypergradient

# w and a of the quadratic, of the tanh problem and of the scalar one.
_QUADRATIC = ((1.0, -1.0), (0.5, 0.25))
_TANH = ((0.3, -0.7), (0.4, 0.1))
_SCALAR = (1.0, 3.0)
# For the implicit gradients: w = Ba, the minimum.
_MINIMUM = ((0.5, 0.0), (0.5, 0.25))


def _momentum_and_decay() -> InnerStep:
    # The reference's velocity (0.1, -0.2) times -xi is Keras' velocity.
    return InnerStep(0.1, 0.9, [tf.constant([-0.01, 0.02], "float64")], weight_decay=3e-4)


def _plain(name):
    return hypergradient(name, problems.quadratic(InnerStep(0.1)), *_QUADRATIC)


def _with_momentum_and_decay(name):
    return hypergradient(name, problems.quadratic(_momentum_and_decay()), *_QUADRATIC)


def _scalar(name, momentum=0.0, **options):
    velocities = [tf.constant(0.0, "float64")] if momentum else None
    step = InnerStep(0.1, momentum, velocities)
    return [hypergradient(name, problems.scalar(step), *_SCALAR, **options)]


def _three_levels(name, main_loss):
    problem = problems.scalar_chain(main_loss)
    values = {"architecture": 3.0, "weights": 1.0, "auxiliary": 0.0}
    point = {level: [tf.constant(value, "float64")] for level, value in values.items()}
    found = gradients.get(name)(problem, point, dict.fromkeys(point))
    return [float(found.architecture[0])]


def _four_levels(name):
    return [chains.quadratic(4).error(name)]


def _five_levels(name):
    """With a level in front of the four, which moves where the first of them goes."""
    chain = chains.quadratic(4)

    def pulled(point, batch):
        return tf.reduce_sum((point["level_0"][0] - tf.sin(point["own"][0])) ** 2) / 2

    own = Level("own", chain.problem.outer.loss)
    start = [tf.constant([0.3, -0.2, 0.1], "float64")]
    return [chain.in_front(own, start, InnerStep(0.5), pulled).error(name)]


def _no_inner_step(name):
    at = (problems.mixed_outer_loss(InnerStep(0.0)), *_QUADRATIC)
    return hypergradient(name, *at) - hypergradient("first_order", *at)


def _tanh(name):
    return hypergradient(name, problems.tanh(InnerStep(0.1)), *_TANH)


def _finite_difference_error(radius, dtype="float64"):
    at = (problems.tanh(InnerStep(0.1)), *_TANH)
    exact = hypergradient("unrolled", *at)
    difference = hypergradient("finite_difference", *at, dtype=dtype, radius=radius) - exact
    return [np.linalg.norm(difference) / np.linalg.norm(exact)]


def _implicit(name, weight_decay=0.0, rate=0.4, **options):
    step = InnerStep(rate, weight_decay=weight_decay)
    return hypergradient(name, problems.quadratic(step), *_MINIMUM, **options)


def _neumann_rate():
    """By which factor one more term of the Neumann series lowers its error."""
    errors = [np.linalg.norm(_implicit("neumann", terms=k) - [0.15, 0.3]) for k in (20, 21)]
    return [errors[1] / errors[0]]


def _one_level():
    return hypergradient("one_level", problems.quadratic(InnerStep(0.1)), *_QUADRATIC)


def _first_order():
    return hypergradient("first_order", problems.mixed_outer_loss(), *_QUADRATIC)


CLAIMS = (
    # L_val = w_0 a_1^2.
    Claim("first_order: direct term", (0.0, 0.5), 0.0, _first_order),
    *(
        claim
        for name in ("unrolled", "finite_difference")
        for claim in (
            # w' = (.95, -.925), g = xi B^T H (w' - t).
            Claim(f"{name}: quadratic", (0.04625, 0.085), 1e-11, partial(_plain, name)),
            # w' = (.94097, -.90697).
            Claim(
                f"{name}: quadratic, momentum and decay",
                (0.04602125, 0.0836485),
                1e-11,
                partial(_with_momentum_and_decay, name),
            ),
            Claim(f"{name}: scalar", (-0.08,), 1e-11, partial(_scalar, name)),
            # W' = 1.2 and V' = .24: (V' - 2) x1 x2.
            Claim(
                f"{name}: a chain of three", (-0.0352,), 1e-11, partial(_three_levels, name, 0.0)
            ),
            # The main loss adds .5 (W' - 2) x1.
            Claim(
                f"{name}: a chain of three with the main loss",
                (-0.0752,),
                1e-11,
                partial(_three_levels, name, 0.5),
            ),
            Claim(
                f"{name}: xi = 0, difference from first_order",
                (0.0, 0.0),
                0.0,
                partial(_no_inner_step, name),
            ),
        )
    ),
    # w_3 = 3 - 2 * .9^3 = 1.542.
    Claim("unrolled: 3 steps", (-0.124118,), 1e-12, partial(_scalar, "unrolled", steps=3)),
    # w_2 = 1.56 and dw_2/da = .28, the velocity of the first step included.
    Claim(
        "unrolled: 2 steps with momentum",
        (-0.1232,),
        1e-12,
        partial(_scalar, "unrolled", momentum=0.9, steps=2),
    ),
    # xi (1 - tanh(w)^2) (w' - t).
    Claim("unrolled: tanh", (0.0100616, -0.0606361), 5e-8, partial(_tanh, "unrolled")),
    # The error falls with the square of the radius, until round-off takes over.
    *(
        Claim(
            f"finite_difference: tanh, relative error at radius {radius:g}",
            (error,),
            0.05 * error,
            partial(_finite_difference_error, radius),
        )
        for radius, error in ((1e-1, 3.1e-4), (1e-2, 3.2e-6), (1e-3, 3.2e-8))
    ),
    *(
        Claim(
            f"finite_difference: tanh, the same in float32 at {radius:g}",
            (error,),
            # Round-off differs from machine to machine.
            5 * error,
            partial(_finite_difference_error, radius, "float32"),
        )
        for radius, error in ((1e-2, 2.3e-6), (1e-3, 1.6e-5), (1e-4, 5.4e-4))
    ),
    # At w = Ba the implicit gradient is B^T (Ba - t) = B^T (.3, -.3).
    Claim(
        "conjugate_gradient: quadratic, 2 iterations",
        (0.15, 0.3),
        1e-12,
        partial(_implicit, "conjugate_gradient", iterations=2),
    ),
    # B^T H (H + I)^-1 (.3, -.3), det(H + I) = 5.75.
    Claim(
        "conjugate_gradient: quadratic, decay 1",
        (0.6375 / 5.75, 0.675 / 5.75),
        1e-12,
        partial(_implicit, "conjugate_gradient", weight_decay=1.0, iterations=2),
    ),
    Claim(
        "neumann: quadratic, 100 terms",
        (0.15, 0.3),
        1e-12,
        partial(_implicit, "neumann", terms=100),
    ),
    # xi B^T H (w - t), H (w - t) = (.45, -.15).
    Claim(
        "neumann: quadratic, 1 term", (0.15, 0.06), 1e-12, partial(_implicit, "neumann", terms=1)
    ),
    # The eigenvalues of H are 1.5 +- sqrt(.5); this is the larger |1 - .4 lambda|.
    Claim(
        "neumann: quadratic, factor of the error a term",
        (1 - 0.4 * (1.5 - 0.5**0.5),),
        1e-4,
        _neumann_rate,
    ),
    *(
        Claim(
            f"four levels: quadratic, {name}, relative error",
            (0.0,),
            1e-8,
            partial(_four_levels, name),
        )
        for name in ("unrolled", "finite_difference")
    ),
    *(
        Claim(
            f"five levels: one in front of four, {name}, relative error",
            (0.0,),
            tolerance,
            partial(_five_levels, name),
        )
        for name, tolerance in (("unrolled", 1e-8), ("finite_difference", 1e-5))
    ),
    # B^T H (Ba - w) / 2, H (w - Ba) = (.5, -.75).
    Claim("one_level: quadratic", (-0.0625, -0.375), 1e-12, _one_level),
)
