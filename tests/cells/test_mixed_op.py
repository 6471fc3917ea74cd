import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import operations, spaces
from darts_tf.cells.mixed_op import MixedOp, Normalized
from tests.operations import definitions

NAMES = spaces.get("darts_cnn").operations
IMAGES = np.random.default_rng(0).normal(size=(3, 6, 5, 4)).astype("float32")


def make(strides=1, names=NAMES):
    keras.utils.set_random_seed(1)
    edge = MixedOp(names, 4, strides)
    edge.build((None, *IMAGES.shape[1:]))
    return edge


def one_hot(k):
    return np.eye(len(NAMES), dtype="float32")[k]


@pytest.mark.parametrize("strides", [1, 2])
class TestOneHot:
    @pytest.mark.parametrize("name", [n for n in NAMES if "pool" not in n])
    def test_equals_the_operation(self, name, strides):
        edge, k = make(strides), NAMES.index(name)
        alone = operations.create(name, 4, strides=strides, affine=False)
        alone.build((None, *IMAGES.shape[1:]))
        alone.set_weights(edge.candidates[k].get_weights())
        got = edge(IMAGES, one_hot(k), training=True)
        np.testing.assert_array_equal(got, alone(IMAGES, training=True))
        assert got.shape == edge.compute_output_shape(IMAGES.shape)

    @pytest.mark.parametrize("name", [n for n in NAMES if "pool" in n])
    def test_equals_the_pooling_normalised(self, name, strides):
        pool = definitions.max_pool if name.startswith("max") else definitions.mean_pool
        got = make(strides)(IMAGES, one_hot(NAMES.index(name)), training=True)
        expected = definitions.normalize(pool(IMAGES, strides))
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)

    def test_none_alone_is_zero(self, strides):
        got = make(strides)(IMAGES, one_hot(0), training=True)
        assert got.shape == (3, 6 // strides, -(-5 // strides), 4)
        assert not got.numpy().any()


def test_none_contributes_nothing():
    edge = make()
    weights = np.linspace(0.1, 0.8, 8, dtype="float32")
    other = weights.copy()
    other[0] = 100.0
    np.testing.assert_array_equal(
        edge(IMAGES, weights, training=True), edge(IMAGES, other, training=True)
    )


def test_linear_in_the_weights():
    edge = make(strides=2)
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 8)).astype("float32")
    out_a, out_b = (edge(IMAGES, w, training=True).numpy() for w in (a, b))
    got = edge(IMAGES, 2 * a - 3 * b, training=True)
    np.testing.assert_allclose(got, 2 * out_a - 3 * out_b, rtol=1e-4, atol=1e-4)


def test_sum_of_the_operations_alone():
    edge = make()
    weights = np.random.default_rng(3).normal(size=8).astype("float32")
    alone = [edge(IMAGES, one_hot(k), training=True).numpy() for k in range(8)]
    got = edge(IMAGES, weights, training=True)
    np.testing.assert_allclose(got, np.tensordot(weights, alone, 1), rtol=1e-4, atol=1e-5)


def test_only_none():
    got = make(names=("none",), strides=2)(IMAGES, np.ones(1, "float32"))
    np.testing.assert_array_equal(got, np.zeros((3, 3, 3, 4)))


def test_parameter_count():
    # 4 channels: separable 3x3 and 5x5 twice, dilated 3x3 and 5x5, no scale and offset.
    expected = 2 * (9 * 4 + 16) + 2 * (25 * 4 + 16) + (9 * 4 + 16) + (25 * 4 + 16)
    assert sum(v.numpy().size for v in make().trainable_variables) == expected
    strided = sum(v.numpy().size for v in make(strides=2).trainable_variables)
    assert strided == expected + 4 * 2 * 2


def test_config():
    edge = MixedOp(NAMES[:3], 4, strides=2)
    again = MixedOp.from_config(edge.get_config())
    assert again.get_config() == edge.get_config()
    assert (again.operations, again.channels, again.strides) == (NAMES[:3], 4, 2)


def test_file(tmp_path):
    images, weights = keras.Input(IMAGES.shape[1:]), keras.Input(batch_shape=(8,))
    model = keras.Model([images, weights], MixedOp(NAMES, 4)(images, weights))
    values = [IMAGES, np.full(8, 1 / 8, "float32")]
    model(values, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(values), model(values))


def test_normalized_file(tmp_path):
    inputs = keras.Input(IMAGES.shape[1:])
    pool = operations.create("avg_pool_3x3", 4, strides=2)
    model = keras.Model(inputs, Normalized(pool)(inputs))
    model(IMAGES, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].layer.strides == 2
    np.testing.assert_array_equal(loaded(IMAGES), model(IMAGES))


class TestSkipDropout:
    names = ("none", "skip_connect")

    def call(self, rate, seed, strides=1, images=IMAGES):
        edge = make(strides, self.names)
        weights = np.array([0.0, 1.0], "float32")
        return edge(images, weights, (tf.constant(rate), tf.constant(seed))).numpy()

    def test_drops_numbers_at_the_rate_and_keeps_the_mean(self):
        images = np.ones((50, 8, 8, 4), "float32")
        outputs = self.call(0.25, [1, 2], images=images)
        assert set(np.unique(outputs)) == {0.0, np.float32(1 / 0.75)}
        assert abs((outputs == 0).mean() - 0.25) < 4 * (0.25 * 0.75 / outputs.size) ** 0.5

    def test_a_seed_drops_the_same_numbers(self):
        one, again, other = (self.call(0.5, seed) for seed in ([1, 2], [1, 2], [1, 3]))
        np.testing.assert_array_equal(one, again)
        assert not np.array_equal(one, other)

    def test_only_behind_identities(self):
        edge = make(2, self.names)
        weights = np.array([0.0, 1.0], "float32")
        expected = edge(IMAGES, weights)
        got = edge(IMAGES, weights, (tf.constant(0.9), tf.constant([1, 2])))
        np.testing.assert_array_equal(got, expected)

    def test_rate_zero(self):
        np.testing.assert_array_equal(self.call(0.0, [1, 2]), IMAGES)


class TestAuxiliarySkip:
    """DARTS-: beta * x beside the candidates."""

    def test_without_it_nothing_changes(self):
        keras.utils.set_random_seed(0)
        layer = MixedOp(("skip_connect", "sep_conv_3x3"), 4, auxiliary_skip=True)
        layer.build((None, 6, 6, 4))
        images = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
        weights = np.array([0.3, 0.7], "float32")
        found = [
            layer(images, weights, auxiliary_skip=tf.constant(f)).numpy() for f in (0.0, 1.0, 0.25)
        ]
        plain = MixedOp(("skip_connect", "sep_conv_3x3"), 4)
        plain.build((None, 6, 6, 4))
        plain.set_weights(layer.get_weights())
        np.testing.assert_array_equal(found[0], plain(images, weights))
        np.testing.assert_allclose(found[1] - found[0], images, atol=1e-6)
        np.testing.assert_allclose(found[2] - found[0], 0.25 * images, atol=1e-6)

    def test_a_factorized_reduction_with_strides(self):
        layer = MixedOp(("none",), 4, strides=2, auxiliary_skip=True)
        layer.build((None, 6, 6, 4))
        images = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
        found = layer(images, np.ones(1, "float32"), auxiliary_skip=tf.constant(1.0))
        assert isinstance(layer.auxiliary, operations.FactorizedReduce)
        np.testing.assert_array_equal(found, layer.auxiliary(images))
        assert MixedOp.from_config(layer.get_config()).auxiliary is not None
