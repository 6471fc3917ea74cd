import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.benchmark import lowering
from darts_tf.common.errors import UserError


@pytest.fixture
def jax():
    return pytest.importorskip("jax", reason="JAX is not installed; it is optional")


class Descent:
    """Momentum on a least-squares loss with noise; variables of one shape, one of them unread."""

    def __init__(self):
        self.weights = keras.Variable([[0.5, -1.0], [2.0, 0.25]], name="weights")
        self.momentum = keras.Variable(np.zeros([2, 2]), dtype="float32", name="momentum")
        self.aside = keras.Variable(np.ones([2, 2]), dtype="float32", name="aside")
        self.count = keras.Variable(0, dtype="int64", name="count")
        # In another order than the step reads them.
        self.variables = [self.aside, self.count, self.momentum, self.weights]

    def step(self, tensors):
        inputs, targets = tensors
        seed = tf.stack([11, tf.cast(self.count.value, tf.int32)])
        noise = tf.random.stateless_uniform([2, 2], seed)
        weights = tf.convert_to_tensor(self.weights)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_mean((inputs @ (weights + 0.1 * noise) - targets) ** 2)
        self.momentum.assign(0.9 * self.momentum + tape.gradient(loss, weights))
        self.weights.assign_sub(0.1 * self.momentum)
        self.count.assign_add(1)
        return {"loss": loss, "count": self.count.value}


def batches():
    rng = np.random.default_rng(0)
    return [[rng.normal(size=(3, 2)).astype("float32") for _ in range(2)] for _ in range(3)]


def test_chained_steps(jax):
    """All variables and results after three steps, whatever the order they are captured in."""
    descent = Descent()
    program = lowering.lower(descent.step, batches()[0], descent.variables)
    assert program.results == ("loss", "count")
    assert sorted(program.state) == [0, 1, 2, 3] and program.state != (0, 1, 2, 3)
    assert descent.count.numpy() == 0  # lowering runs nothing
    step = tf.function(descent.step, autograph=False)
    for name in ("exact", "fast"):
        fresh = Descent()
        state = [fresh.variables[i].numpy() for i in program.state]
        with jax.enable_x64(True):
            call = jax.jit(jax.export.deserialize(bytearray(getattr(program, name))).call)
            losses = []
            for batch in batches():
                (loss, count), state = (found := call(*batch, *state))[:2], found[2:]
                losses.append(float(loss))
        assert int(count) == 3 and count.dtype == "int64"
        expected = [float(step([tf.constant(a) for a in batch])["loss"]) for batch in batches()]
        np.testing.assert_allclose(losses, expected, rtol=1e-6)
        for i, array in zip(program.state, state, strict=True):
            np.testing.assert_allclose(array, descent.variables[i].numpy(), rtol=1e-6)
        for mine, its in zip(descent.variables, Descent().variables, strict=True):
            mine.assign(its)


def test_precision(jax):
    """One program multiplies float32 exactly, the other as the hardware likes."""
    descent = Descent()
    program = lowering.lower(descent.step, batches()[0], descent.variables)
    for name, highest in (("exact", True), ("fast", False)):
        exported = jax.export.deserialize(bytearray(getattr(program, name)))
        assert ("precision = [HIGHEST, HIGHEST]" in exported.mlir_module()) == highest
        assert "mhlo" not in exported.mlir_module()
    assert tf.config.experimental.tensor_float_32_execution_enabled()


def test_where_precision_makes_no_difference(jax):
    count = keras.Variable(0, dtype="int64")

    def step(tensors):
        count.assign_add(tensors[0])
        return {}

    assert lowering.lower(step, [np.int64(2)], [count]).fast is None


def test_a_variable_that_is_not_listed(jax):
    descent = Descent()
    with pytest.raises(RuntimeError, match="in no checkpoint"):
        lowering.lower(descent.step, batches()[0], descent.variables[1:3])


def test_what_xla_does_not_have(jax):
    def step(tensors):
        return {"drawn": tf.random.stateless_gamma([2], [1, 2], alpha=tensors[0])}

    with pytest.raises(UserError, match="XLA has no StatelessRandomGammaV3"):
        lowering.lower(step, [np.float32(1.5)], [])


def test_without_jax(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install -r requirements-lower.txt"):
        lowering.lower(lambda tensors: {}, [], [])
