import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods
from darts_tf.common.errors import UserError
from darts_tf.gradients import BilevelProblem, InnerStep, finite_difference
from darts_tf.runtime.loss_scale import LossScale, LossScaledStep
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet
from darts_tf.verification import problems


def gradient(factor, dtype):
    """d/dw of 1e-4 * mean(w / 1000), computed in `dtype`: 1e-7 / 4 for each of four weights."""
    scale = LossScale(factor)
    weights = tf.ones([4])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        inside = tf.cast(scale.leave([weights])[0], dtype)
        outputs = tf.cast(inside * tf.cast(1e-3, dtype), tf.float32)
        loss = scale.enter(1e-4 * tf.reduce_mean(outputs))
    return float(loss), tape.gradient(loss, weights).numpy()


def test_small_gradients_survive_float16():
    loss, scaled = gradient(2.0**15, tf.float16)
    np.testing.assert_allclose(scaled, 2.5e-8, rtol=2e-3)
    assert loss == pytest.approx(1e-7, rel=1e-3)
    # They are below the smallest half of a float16, 2 ** -25.
    np.testing.assert_array_equal(gradient(1.0, tf.float16)[1], 0.0)


def test_float32_does_not_see_a_power_of_two():
    np.testing.assert_array_equal(gradient(2.0**15, tf.float32)[1], gradient(1.0, tf.float32)[1])


def test_finite_difference():
    """The problem of `tests/gradients` whose hypergradient is not linear in the weights."""
    scale = LossScale(2.0**10)

    def problem(enter, leave):
        def train(weights, architecture, batch):
            (w,), (a,) = leave(weights), leave(architecture)
            return enter(tf.reduce_sum((tf.tanh(w) - a) ** 2) / 2)

        def validation(weights, architecture, batch):
            (w,) = leave(weights)
            return enter(tf.reduce_sum((w - [0.2, 0.3]) ** 2) / 2)

        return BilevelProblem(train, validation, step=InnerStep(0.1))

    def hypergradient(enter, leave):
        point = problems.at([0.3, -0.7], [0.4, 0.1], "float32")
        found = finite_difference(problem(enter, leave), point, problems.NO_BATCHES)
        return found.architecture[0].numpy()

    plain = hypergradient(tf.identity, list)
    np.testing.assert_allclose(plain, [0.0100616, -0.0606361], rtol=1e-4)
    np.testing.assert_allclose(hypergradient(scale.enter, scale.leave), plain, rtol=1e-6)


def test_factor_over_time():
    scale = LossScale(4.0, patience=2)
    seen = []
    for finite in (True, True, True, False, True, False, False, False, False):
        possible = bool(scale.update(tf.constant(finite)))
        seen.append((float(scale.factor), possible))
    factors, possible = zip(*seen, strict=True)
    assert factors == (4, 8, 8, 4, 4, 2, 1, 1, 1)
    assert possible == (True,) * 7 + (False, False)


def test_an_overflow_undoes_the_step():
    scale, variable = LossScale(4.0), keras.Variable([1.0, 2.0])
    results = []

    def step(norm):
        variable.assign_add([1.0, 1.0])
        return {"finite": norm, "loss": norm}

    scaled = LossScaledStep(step, scale, [variable])
    for norm in (1.0, np.inf, 2.0, np.nan, np.nan, np.nan):
        results.append(float(scaled(tf.constant(norm))["finite"]))
    np.testing.assert_array_equal(variable, [3.0, 4.0])
    assert results[:4] == [0.0] * 4 and np.isnan(results[4:]).all()
    assert float(scale.factor) == 1


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_search_in_16_bits(one_stage_space, policy, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 6, 6, 1)).astype("float32")
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype("int32")
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(6)
    keras.config.set_dtype_policy(policy)
    try:
        keras.utils.set_random_seed(0)
        supernet = Supernet(one_stage_space, (6, 6, 1), 2, channels=2, cells=1)
        search = ArchitectureSearch(supernet, "darts-v1")
        before = [v.numpy() for v in supernet.architecture_variables]
        history = search.fit(data, data, 2, verbose=0, checkpoint_dir=tmp_path)
        assert supernet.cells[0].compute_dtype == policy.removeprefix("mixed_")
        assert supernet(images).dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")
    variables = [v for group in search.checkpointed().values() for v in group]
    types = {keras.backend.standardize_dtype(v.dtype) for v in variables}
    assert types <= {"float32", "int32", "int64", "uint32"}
    assert history.history["loss"][1] < history.history["loss"][0]
    for old, new in zip(before, supernet.architecture_variables, strict=True):
        assert np.abs(new.numpy() - old).max() > 1e-4
    assert ("loss_scale" in search.checkpointed()) == (policy == "mixed_float16")


@pytest.mark.parametrize("hypergradient", ["unrolled", "neumann", "conjugate_gradient"])
def test_second_derivatives_are_refused(tiny_space, hypergradient):
    method = dataclasses.replace(methods.get("darts-v2"), gradient=hypergradient)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        supernet = Supernet(tiny_space, (6, 6, 1), 2, channels=2, cells=3)
        with pytest.raises(UserError, match=f"'{hypergradient}' differentiates twice"):
            ArchitectureSearch(supernet, method)
    finally:
        keras.config.set_dtype_policy("float32")
