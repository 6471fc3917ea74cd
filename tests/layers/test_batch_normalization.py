import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.batched_convolutions import BatchedNormalization
from darts_tf.common.constant_weights import constant_weights
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.verification.networks import second_derivative_error
from tests.operations import definitions

RANDOM = np.random.default_rng(0)
SHAPE = (4, 3, 3, 2)
X = 2 + 3 * RANDOM.normal(size=SHAPE)
MIX = RANDOM.normal(size=SHAPE)
GAMMA, BETA = np.array([1.5, -0.5]), np.array([0.3, 0.1])


def make(kind, dtype):
    layer = kind(epsilon=1e-5, momentum=0.9, dtype=dtype)
    layer.build((None, *SHAPE[1:]))
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    return layer


def test_second_derivative_of_keras_own_is_wrong():
    # Were this to pass, Keras would have been mended and this layer could go.
    layer = make(keras.layers.BatchNormalization, "float64")
    assert second_derivative_error(layer) > 1e-2


def test_the_fused_kernel_is_what_the_claim_in_float32_is_about():
    assert make(BatchNormalization, "float32")._can_fuse(tf.constant(X, tf.float32))


def test_statistics_that_are_not_wanted():
    layer, x = make(BatchNormalization, "float32"), tf.constant(X, tf.float32)
    with constant_weights():
        got = layer(x, training=True)
    assert not layer.moving_mean.numpy().any() and (layer.moving_variance.numpy() == 1).all()
    np.testing.assert_array_equal(got, layer(x, training=True))
    assert layer.moving_mean.numpy().all()


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
class TestTraining:
    def test_normalises_by_the_batch(self, dtype, tolerance):
        layer = make(BatchNormalization, dtype)
        got = layer(X.astype(dtype), training=True)
        assert got.dtype == dtype
        np.testing.assert_allclose(
            got, definitions.normalize(X, GAMMA, BETA), rtol=tolerance, atol=tolerance
        )

    def test_moving_statistics(self, dtype, tolerance):
        layer = make(BatchNormalization, dtype)
        layer(X.astype(dtype), training=True)
        layer(2 * X.astype(dtype), training=True)
        mean, variance = X.mean(axis=(0, 1, 2)), X.var(axis=(0, 1, 2), ddof=1)
        moved_mean = 0.9 * 0.1 * mean + 0.1 * 2 * mean
        moved_variance = 0.81 + 0.9 * 0.1 * variance + 0.1 * 4 * variance
        np.testing.assert_allclose(layer.moving_mean, moved_mean, rtol=max(tolerance, 1e-7))
        np.testing.assert_allclose(layer.moving_variance, moved_variance, rtol=max(tolerance, 1e-6))


class TestMovingVarianceIsUnbiased:
    """In PyTorch `running_var` is (1 - 0.1) * 1 + 0.1 * x.var(unbiased=True)."""

    @pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
    @pytest.mark.parametrize("shape", [(6, 2), (6, 4, 2), (6, 3, 3, 2), (6, 2, 2, 2, 2)])
    def test_any_rank_and_precision(self, shape, dtype):
        layer = BatchNormalization(scale=False, center=False, dtype=dtype)
        x = np.random.default_rng(1).normal(1, 2, shape)
        x = tf.cast(x, layer.compute_dtype)
        got = layer(x, training=True)
        x = tf.cast(x, "float64").numpy().reshape(-1, 2)
        assert got.dtype == layer.compute_dtype
        np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-5)
        np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean(0), rtol=1e-5)

    def test_other_axis(self):
        layer = BatchNormalization(axis=1, scale=False, center=False)
        x = np.random.default_rng(1).normal(1, 2, (6, 2, 3, 3))
        got = layer(x, training=True)
        np.testing.assert_allclose(
            layer.moving_variance, 0.9 + 0.1 * x.var((0, 2, 3), ddof=1), rtol=1e-5
        )
        np.testing.assert_allclose(got.numpy().std((0, 2, 3)), 1, rtol=1e-4)

    def test_steps_that_a_mask_leaves_out_do_not_count(self):
        layer = BatchNormalization(scale=False, center=False, dtype="float64")
        x = np.random.default_rng(1).normal(1, 2, (3, 4, 2))
        mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]], bool)
        layer(x, training=True, mask=mask)
        # Keras adds 1e-7 to the number of values.
        expected = 0.9 + 0.1 * x[mask].var(0, ddof=1)
        np.testing.assert_allclose(layer.moving_variance, expected, rtol=1e-6)

    def test_single_value(self):
        for shape in ((1, 2), (1, 1, 1, 2)):
            layer = BatchNormalization(scale=False, center=False)
            layer(np.full(shape, 3.0, "float32"), training=True)
            np.testing.assert_allclose(layer.moving_variance, 0.9, rtol=1e-6)

    def test_batched_cells_normalisation(self):
        fused, plain = (
            BatchedNormalization(dtype=dtype, name=dtype) for dtype in ("float32", "float64")
        )
        for layer in (fused, plain):
            layer(X.astype(layer.compute_dtype), tf.ones(2, layer.compute_dtype), training=True)
        np.testing.assert_allclose(
            plain.moving_variance, 0.9 + 0.1 * X.var((0, 1, 2), ddof=1), rtol=1e-12
        )
        np.testing.assert_allclose(fused.moving_variance, plain.moving_variance, rtol=1e-6)

    def test_nothing_moves_where_weights_are_constant(self):
        layer = make(BatchNormalization, "float64")
        with constant_weights():
            layer(X, training=True)
        np.testing.assert_array_equal(layer.moving_variance, [1, 1])


def test_inference_uses_the_moving_statistics():
    layer = make(BatchNormalization, "float32")
    layer.moving_mean.assign([1.0, 2.0])
    layer.moving_variance.assign([4.0, 0.25])
    expected = GAMMA * (X - [1.0, 2.0]) / np.sqrt(np.array([4.0, 0.25]) + 1e-5) + BETA
    for training in (False, None):
        got = layer(X.astype("float32"), training=training)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    layer.trainable = False
    np.testing.assert_allclose(layer(X.astype("float32"), training=True), expected, atol=1e-4)
    np.testing.assert_array_equal(layer.moving_mean, [1.0, 2.0])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    layer = make(BatchNormalization, policy)
    compute = layer.compute_dtype
    got = layer(X.astype("float32"), training=True)
    assert got.dtype == compute
    assert {v.dtype for v in layer.variables} == {"float32"}
    np.testing.assert_allclose(
        tf.cast(got, tf.float32), definitions.normalize(X, GAMMA, BETA), atol=0.03
    )
    # The statistics are taken in float32, of inputs that were rounded.
    rounded = tf.cast(tf.cast(X, compute), tf.float64).numpy()
    np.testing.assert_allclose(layer.moving_mean, 0.1 * rounded.mean(axis=(0, 1, 2)), rtol=1e-5)


def test_without_scale_and_offset():
    layer = BatchNormalization(center=False, scale=False)
    got = layer(X.astype("float32"), training=True)
    assert layer.trainable_variables == []
    np.testing.assert_allclose(got, definitions.normalize(X), rtol=1e-4, atol=1e-5)


def test_defaults_are_the_references():
    config = BatchNormalization().get_config()
    assert (config["momentum"], config["epsilon"]) == (0.9, 1e-5)


def test_file(tmp_path):
    inputs = keras.Input(SHAPE[1:])
    model = keras.Model(inputs, BatchNormalization(momentum=0.5)(inputs))
    model(X.astype("float32"), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[1]) is BatchNormalization
    assert loaded.layers[1].momentum == 0.5
    np.testing.assert_array_equal(loaded(X), model(X))
