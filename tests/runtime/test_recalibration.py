import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.runtime.recalibration import BATCHES, Recalibration, some_batches
from tests.eagerness import run_eagerly

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.normal(1, 3, (10, 3, 3, 2)).astype("float32")
PARTS = IMAGES[:4], IMAGES[4:8], IMAGES[8:]


def model(kind=BatchNormalization, **options):
    """Two normalisations, of which the second sees what the first one makes of a batch."""
    inputs = keras.Input((3, 3, 2))
    x = kind(name="first", **options)(inputs)
    x = keras.layers.Dropout(0.5, seed=1)(x)
    return keras.Model(inputs, kind(name="second", **options)(3 * x + 1))


def by_hand(parts):
    """The mean over all images of their batches' means and unbiased variances."""
    sizes = [len(part) for part in parts]
    found = [(part.mean((0, 1, 2)), part.var((0, 1, 2), ddof=1)) for part in parts]
    return [np.average([f[i] for f in found], axis=0, weights=sizes) for i in range(2)]


@pytest.mark.parametrize("before", [0.0, 100.0])
def test_means_over_batches_whatever_there_was_before(eagerly, before):
    network = model()
    first = network.get_layer("first")
    first.moving_mean.assign([before, -before])
    first.moving_variance.assign([before + 1, 1e-9])
    Recalibration(network)(PARTS)
    mean, variance = by_hand(PARTS)
    np.testing.assert_allclose(first.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(first.moving_variance, variance, rtol=1e-5)
    # Inputs of variance 1, halved or doubled by the dropout: 3^2 * 2 and 1, and 32 values a batch.
    second = network.get_layer("second")
    np.testing.assert_allclose(second.moving_mean, 1, atol=1)
    np.testing.assert_allclose(second.moving_variance, 18, rtol=0.4)


def test_small_variances_are_exact(eagerly):
    network = model()
    Recalibration(network)([1e-4 * part for part in PARTS])
    _, variance = by_hand(PARTS)
    found = network.get_layer("first").moving_variance
    np.testing.assert_allclose(found, 1e-8 * variance, rtol=1e-5)


def test_keras_own_normalisation(eagerly):
    network = model(keras.layers.BatchNormalization, momentum=0.99)
    Recalibration(network)(PARTS[:1])
    mean, variance = PARTS[0].mean((0, 1, 2)), PARTS[0].var((0, 1, 2))
    np.testing.assert_allclose(network.get_layer("first").moving_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(network.get_layer("first").moving_variance, variance, rtol=1e-4)


def test_nothing_else_changes(eagerly):
    network = model(scale=True)
    others = [v for v in network.variables if "moving" not in v.path]
    assert any("seed" in v.path for v in others)
    before = [np.array(v) for v in others]
    Recalibration(network)(PARTS)
    for variable, value in zip(others, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_what_takes_no_part_stays(eagerly):
    class Chosen(keras.Model):
        """Computes one of its layers."""

        def __init__(self):
            super().__init__()
            self.layers_ = [BatchNormalization() for _ in range(3)]
            for layer in self.layers_:
                layer.build((None, 3, 3, 2))
                layer.moving_mean.assign([5.0, 5.0])
                layer.moving_variance.assign([7.0, 7.0])
            self.layers_[2].trainable = False
            self.built = True

        def call(self, images, training=None):
            return self.layers_[2](self.layers_[1](images, training=training), training=training)

    network = Chosen()
    Recalibration(network)(PARTS)
    for i in (0, 2):
        np.testing.assert_array_equal(network.layers_[i].moving_mean, [5, 5])
        np.testing.assert_array_equal(network.layers_[i].moving_variance, [7, 7])
    np.testing.assert_allclose(network.layers_[1].moving_mean, by_hand(PARTS)[0], rtol=1e-5)


def test_dead_channels_have_no_variance(eagerly):
    network = model()
    Recalibration(network)([np.zeros((4, 3, 3, 2), "float32")])
    first = network.get_layer("first")
    np.testing.assert_array_equal(first.moving_mean, [0, 0])
    np.testing.assert_allclose(first.moving_variance, [0, 0], atol=1e-28)


def test_no_images(eagerly):
    network = model()
    Recalibration(network)([])
    np.testing.assert_array_equal(network.get_layer("first").moving_variance, [1, 1])


def test_a_graph_gives_the_same():
    eager, traced = model(), model()
    Recalibration(traced)(tf.data.Dataset.from_tensor_slices(IMAGES).batch(4))
    with run_eagerly():
        Recalibration(eager)(PARTS)
    for name in ("moving_mean", "moving_variance"):
        mine, its = (getattr(network.get_layer("first"), name) for network in (eager, traced))
        np.testing.assert_allclose(mine, its, rtol=1e-5)


class TestSomeBatches:
    @pytest.mark.parametrize("x", [np.arange(100), tf.range(100)])
    def test_of_an_array(self, x):
        first, *rest = batches = list(some_batches(x, 10))
        assert [len(batch) for batch in batches] == [10] * 10
        assert not np.array_equal(first, np.arange(10))
        np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(100))
        np.testing.assert_array_equal(first, next(some_batches(x, 10)))
        assert len(list(some_batches(x, 2))) == BATCHES

    def test_of_a_data_set(self):
        images = tf.data.Dataset.range(8).batch(4)
        labelled = tf.data.Dataset.zip((images, images.map(lambda x: -x))).repeat()
        for data in (images, labelled):
            first, second = list(some_batches(data, 1))[:2]
            np.testing.assert_array_equal([first, second], [[0, 1, 2, 3], [4, 5, 6, 7]])
        assert len(list(some_batches(labelled, 1))) == BATCHES

    def test_of_what_is_unknown(self):
        assert list(some_batches(iter([1]), 1)) == []


def test_number_of_batches():
    """Of a settled moving average the variance is (1 - m) / (1 + m) of a single batch's."""
    momentum = BatchNormalization().momentum
    weights = (1 - momentum) * momentum ** np.arange(1000)
    np.testing.assert_allclose(1 / np.sum(weights**2), BATCHES, rtol=1e-9)
