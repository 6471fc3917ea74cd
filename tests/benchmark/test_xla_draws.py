import numpy as np
import pytest
import tensorflow as tf

from darts_tf.benchmark import xla_draws
from darts_tf.common.errors import UserError

# Seeds of seeds are any 32 bits: negative ones, too.
SEEDS = {"positive": [3, 7], "negative": [-3, 7], "both negative": [5 - 2**31, -9]}

DRAWS = {
    "uniform": lambda seed: tf.random.stateless_uniform([3, 5], seed),
    "uniform of a range": lambda seed: tf.random.stateless_uniform([9], seed, -1.0, 3.0),
    "uniform bfloat16": lambda seed: tf.random.stateless_uniform([9], seed, dtype=tf.bfloat16),
    "uniform float64": lambda seed: tf.random.stateless_uniform([3, 3], seed, dtype=tf.float64),
    "bits": lambda seed: tf.random.stateless_uniform([5], seed, None, None, tf.uint32) % 9973,
    "seeds of seeds": lambda seed: tf.random.split(tf.random.fold_in(seed, 4), 3) % 9973,
    "integers": lambda seed: tf.random.stateless_uniform([9], seed, 0, 10, tf.int32),
    "normal": lambda seed: tf.random.stateless_normal([3, 7], seed, 1.0, 2.0),
    "normal float16": lambda seed: tf.random.stateless_normal([5], seed, dtype=tf.float16),
    "normal float64": lambda seed: tf.random.stateless_normal([7], seed, dtype=tf.float64),
    "dropout float64": lambda seed: tf.nn.experimental.stateless_dropout(
        tf.ones([2, 9], tf.float64), 0.4, seed
    ),
    "dropout": lambda seed: tf.nn.experimental.stateless_dropout(tf.ones([2, 9]), 0.4, seed),
}


def draw_all(seed):
    return [tf.cast(draw(seed), tf.float64) for draw in DRAWS.values()]


@pytest.fixture(scope="module")
def drawn():
    """For each seed what TensorFlow draws, XLA without the scope, and XLA in it."""

    def by_seed(function):
        found = {name: function(tf.constant(seed)) for name, seed in SEEDS.items()}
        return {name: dict(zip(DRAWS, arrays, strict=True)) for name, arrays in found.items()}

    plain = by_seed(draw_all)
    other = by_seed(tf.function(draw_all, jit_compile=True, autograph=False))
    with xla_draws.same_under_xla(), xla_draws.same_under_xla():
        mine = by_seed(tf.function(draw_all, jit_compile=True, autograph=False))
    return plain, other, mine


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", DRAWS)
def test_the_same_numbers(name, seed, drawn):
    plain, _, mine = drawn
    # Sines, cosines and logarithms of XLA round otherwise.
    tolerance = {"normal": 1e-5, "normal float16": 2e-3, "normal float64": 1e-14}.get(name, 0)
    found, expected = mine[seed][name], plain[seed][name]
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=tolerance)
    assert len(np.unique(expected)) > 1


def test_why(drawn):
    """If this fails, XLA draws what TensorFlow draws, and `xla_draws` can go."""
    plain, other, _ = drawn
    for seed, name in (("positive", "uniform"), ("negative", "bits")):
        assert np.abs(plain[seed][name] - other[seed][name]).max() > 0.1


def test_what_is_refused():
    with xla_draws.same_under_xla(), pytest.raises(UserError, match="stateless_categorical draws"):
        tf.random.stateless_categorical(tf.zeros([1, 4]), 1, [1, 2])


def test_the_scope_ends():
    before = tf.random.stateless_uniform
    with pytest.raises(ZeroDivisionError), xla_draws.same_under_xla():
        assert tf.random.stateless_uniform is not before
        _ = 1 / 0
    assert tf.random.stateless_uniform is before
