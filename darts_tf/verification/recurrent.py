"""Claims about a recurrent supernet, its state, dropout, slowness and clipped step."""

import functools
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from darts_tf import gradients, macros, spaces, tasks
from darts_tf.gradients import InnerStep
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, Point, Problem, evaluate
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.verification import supernets
from darts_tf.verification.claim import Claim

_WORDS, _UNITS, _BATCH, _STEPS = 5, 3, 4, 4
# The norm of the gradient is 1.3 there.
_CLIPPED, _NOT_CLIPPED = 0.25, 100.0

_SPACE = spaces.Space(
    "verification_recurrent",
    spaces.DARTS_RNN.operations,
    nodes=2,
    inputs=1,
    edges_per_node=1,
    cell_types=("recurrent",),
    output="mean",
    preprocess=None,
    macro=macros.LanguageNetwork(
        "verification",
        input_dropout=0.2,
        cell_dropout=0.2,
        state_dropout=0.25,
        output_dropout=0.2,
        slowness=0.1,
    ),
    kind="recurrent",
)


@functools.cache
def make(clip_norm: float) -> tuple[Problem, Point, dict]:
    """A chain of two in float64, a point, and a batch with a state for each level.

    Args:
        clip_norm: of the inner step, whose learning rate is 2.
    """
    with supernets.dtype_policy("float64"):
        keras.utils.set_random_seed(0)
        supernet = supernets.TypedSupernet(_SPACE, (None,), _WORDS, channels=_UNITS)
    rng = np.random.default_rng(0)
    for variable in (*supernet.weight_variables, *supernet.architecture_variables):
        variable.assign(rng.normal(size=variable.shape) / 2)
    step = InnerStep(2.0, weight_decay=1e-3, clip_norm=clip_norm)
    problem = SupernetProblem(supernet, tasks.LanguageModeling(), traced=False)
    point = {
        ARCHITECTURE: [tf.convert_to_tensor(v) for v in supernet.architecture_variables],
        WEIGHTS: [tf.convert_to_tensor(v) for v in supernet.weight_variables],
    }
    levels = problem.levels(seed=tf.constant([0, 1])).with_steps(weights=step)
    return levels, point, {level: _batch(rng) for level in point}


def _batch(rng):
    tokens = tf.constant(rng.integers(0, _WORDS, (_BATCH, _STEPS + 1)), tf.int32)
    state = tf.constant(rng.normal(size=(_BATCH, _UNITS)))
    return tokens[:, :-1], tokens[:, 1:], (state,)


@functools.cache
def numeric_derivatives(clip_norm: float) -> np.ndarray:
    """d/da L_val(w'(a), a) by central differences in every alpha."""
    problem, point, batches = make(clip_norm)
    (inner,), (alpha,) = problem.inner, point[ARCHITECTURE]

    @functools.partial(tf.function, autograph=False)
    def value(alpha):
        here = {**point, ARCHITECTURE: [alpha]}
        moved = problem.stepped(inner, here, batches[WEIGHTS])
        return evaluate(problem.outer.loss, {**here, WEIGHTS: moved}, batches[ARCHITECTURE])[0]

    size, found = 1e-5, []
    for index in np.ndindex(*alpha.shape):
        change = np.zeros(alpha.shape)
        change[index] = size
        found.append((value(alpha + change) - value(alpha - change)) / (2 * size))
    return np.array(found)


def estimate(clip_norm: float, name: str, **options) -> np.ndarray:
    """The hypergradient by the estimator of that name, all entries in a row."""
    problem, point, batches = make(clip_norm)
    estimator = gradients.get(name, **options)
    found = tf.function(lambda: estimator(problem, point, batches).architecture, autograph=False)
    return supernets.flat(found())


def _relative_error(clip_norm, name, **options):
    true = numeric_derivatives(clip_norm)
    return [np.linalg.norm(estimate(clip_norm, name, **options) - true) / np.linalg.norm(true)]


def _one_text_in_two_batches():
    """Two batches of 35 steps, the state in between, against one of 70: the largest difference."""
    keras.utils.set_random_seed(0)
    supernet = supernets.Supernet(_SPACE, (None,), _WORDS, channels=_UNITS)
    tokens = np.random.default_rng(0).integers(0, _WORDS, (_BATCH, 70)).astype("int32")
    whole, (last,) = supernet(tokens, training=True)
    first, state = supernet(tokens[:, :35], training=True)
    second, (after,) = supernet(tokens[:, 35:], training=True, state=state)
    yield np.abs(np.concatenate([first, second], axis=1) - whole).max()
    yield np.abs(after - last).max()


CLAIMS = (
    *(
        Claim(
            f"recurrent supernet, step {word}: {name}{radius}, relative error",
            (0.0,),
            1e-6,
            partial(_relative_error, clip_norm, name, **options),
        )
        for word, clip_norm in (("clipped", _CLIPPED), ("not clipped", _NOT_CLIPPED))
        for name, radius, options in (
            ("unrolled", "", {}),
            ("finite_difference", " with radius 1e-6", {"radius": 1e-6}),
        )
    ),
    Claim(
        "recurrent supernet: one text in two batches, difference of logits and state",
        (0.0, 0.0),
        1e-5,
        _one_text_in_two_batches,
    ),
)
