"""Searches of what users bring: the same data in other forms give the same search."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.networks import training
from darts_tf.networks.network import build_network
from darts_tf.runtime import optimizers
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet
from tests import toy
from tests.search.searches import assert_same, make_toy, state

pytestmark = pytest.mark.usefixtures("eager_file")

VECTORS = np.random.default_rng(0).normal(size=(8, toy.FEATURES)).astype("float32")
LABELS = (VECTORS.sum(axis=1) > 0).astype("int64")
ONE_HOT = np.eye(toy.CLASSES, dtype="float32")[LABELS]


def batches(*parts):
    return tf.data.Dataset.from_tensor_slices(parts).batch(4)


def search(data, epochs=2, **options):
    """The history and the state after a search."""
    one = make_toy(**options)
    return one.fit(data, data, epochs, verbose=0, batch_size=4).history, state(one)


@pytest.fixture(scope="module")
def plain(eager_file):
    return search(batches(VECTORS, LABELS))


@pytest.mark.parametrize(
    "parts, loss",
    [
        ((VECTORS, LABELS[:, None]), None),
        ((VECTORS, ONE_HOT), None),
        ((VECTORS, ONE_HOT.astype("int32")), None),
        ((VECTORS, LABELS, np.full(8, 2.0)), None),
        ((VECTORS, LABELS), keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        ((VECTORS, LABELS), "sparse_categorical_crossentropy"),
        ((VECTORS, ONE_HOT), "categorical_crossentropy"),
        ((VECTORS.astype("float64"), ONE_HOT), keras.losses.CategoricalCrossentropy),
    ],
)
def test_other_forms_are_the_same_search(plain, parts, loss):
    history, values = search(batches(*parts), loss=loss)
    for name, expected in plain[0].items():
        np.testing.assert_allclose(history[name], expected, rtol=1e-4, atol=1e-6, err_msg=name)
    for value, expected in zip(values, plain[1], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-5)


def test_weights_count():
    """What has the weight 0 might be missing."""
    doubled = np.concatenate([VECTORS, 9 - VECTORS]), np.concatenate([LABELS, LABELS])
    order = np.arange(16).reshape(2, 8).T.ravel()
    weighted = [x[order] for x in (*doubled, np.repeat([1.0, 0.0], 8))]
    one = make_toy()
    history = one.fit(
        tf.data.Dataset.from_tensor_slices(tuple(weighted)).batch(8),
        batches(VECTORS, LABELS),
        verbose=0,
    ).history
    expected = make_toy().fit(batches(VECTORS, LABELS), batches(VECTORS, LABELS), verbose=0).history
    for name in ("loss", "accuracy", "val_loss"):
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-5)


def test_arrays_come_in_an_order_of_their_epoch():
    """The same search twice, each example once an epoch, and all of the validation data."""
    one, again = (search((VECTORS, LABELS)) for _ in range(2))
    assert one[0] == again[0]
    assert_same(one[1], again[1])
    found = make_toy()
    found.fit((VECTORS, LABELS), (VECTORS[:6], LABELS[:6]), verbose=0, batch_size=4)
    train, validation = found._streams
    seen = [np.concatenate([x for x, _ in train(epoch)]) for epoch in (0, 1)]
    assert not np.array_equal(*seen)
    np.testing.assert_array_equal(*(np.sort(x, axis=0) for x in seen))
    assert [len(x) for x, _ in validation(0)] == [4, 2]
    assert found.evaluate((VECTORS, LABELS)) == pytest.approx(
        found.evaluate(batches(VECTORS, LABELS)), rel=1e-5
    )


def test_a_squared_error_has_no_accuracy_and_ranks_by_the_loss():
    one = make_toy(loss="mean_squared_error")
    targets = np.stack([VECTORS.sum(axis=1), VECTORS[:, 0]], axis=1)
    history = one.fit(batches(VECTORS, targets), batches(VECTORS, targets), 3, verbose=0).history
    assert "accuracy" not in history
    assert one.best.objective == "loss" and one.best.value == min(history["val_loss"])
    outputs = one.supernet(VECTORS).numpy()
    assert one.evaluate(batches(VECTORS, targets))["loss"] == pytest.approx(
        np.mean((outputs - targets) ** 2), rel=1e-5
    )


def test_labels_each_by_itself():
    one = make_toy(loss="binary_crossentropy")
    several = (VECTORS[:, :2] > 0).astype("float32")
    one.fit(batches(VECTORS, several), batches(VECTORS, several), verbose=0)
    outputs = one.supernet(VECTORS).numpy()
    found = one.evaluate(batches(VECTORS, several))
    assert found["accuracy"] == pytest.approx(np.mean((outputs > 0) == (several > 0)))
    losses = np.log1p(np.exp(outputs)) - several * outputs
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_optimizers_by_name():
    one = make_toy(weight_optimizer="sgd", architecture_optimizer="adam")
    assert isinstance(one.weight_optimizer, optimizers.SGD)
    assert isinstance(one.architecture_optimizer, optimizers.Adam)
    one.fit(batches(VECTORS, LABELS), batches(VECTORS, LABELS), verbose=0)
    assert float(one.weight_optimizer.learning_rate) == pytest.approx(0.01)
    named = optimizers.get("rmsprop"), optimizers.get(keras.optimizers.Adagrad)
    assert [type(found).__name__ for found in named] == ["RMSprop", "Adagrad"]
    assert optimizers.get(None) is None
    for unknown in ("sdg", 0.1):
        with pytest.raises(UserError, match="Keras knows no optimizer"):
            optimizers.get(unknown)
    with pytest.raises(UserError, match="are one object; give each its own"):
        make_toy(weight_optimizer=named[0], architecture_optimizer=named[0])


def test_a_label_out_of_range_in_a_later_batch():
    late = LABELS.copy()
    late[-1] = 5
    with pytest.raises(UserError, match="a label is 5; expected 0 to 1, the supernet having 2 out"):
        make_toy().fit(batches(VECTORS, late), batches(VECTORS, LABELS), verbose=0)


def test_the_validation_data_are_looked_at_too():
    with pytest.raises(UserError, match="the labels of the validation data run from 1 to 2"):
        make_toy().fit(batches(VECTORS, LABELS), batches(VECTORS, LABELS + 1), verbose=0)
    with pytest.raises(UserError, match="the validation data are missing; expected .*other half"):
        make_toy().fit(batches(VECTORS, LABELS))
    with pytest.raises(UserError, match="the function for the training data returned a tuple of"):
        make_toy().fit(lambda epoch: (VECTORS, LABELS), batches(VECTORS, LABELS))
    with pytest.raises(UserError, match="the labels of the data to evaluate on hold 0.5"):
        make_toy().evaluate(batches(VECTORS, LABELS / 2))


class Named(tasks.Task):
    """A task of dictionaries, with a metric and no name."""

    def inputs_and_targets(self, batch):
        return batch["vector"], batch["sums"]

    def losses(self, targets, outputs):
        return tf.abs(targets - outputs[:, 0])


def test_a_task_of_dictionaries_is_not_hindered():
    given = {"vector": VECTORS, "sums": VECTORS.sum(axis=1), "name": np.array(["a"] * 8)}
    data = tf.data.Dataset.from_tensor_slices(given).batch(4)
    one = make_toy(task=Named())
    one.fit(data, data, verbose=0)
    expected = np.mean(abs(given["sums"] - one.supernet(VECTORS).numpy()[:, 0]))
    assert one.evaluate(data)["loss"] == pytest.approx(expected, rel=1e-5)
    inputs = keras.Input((toy.FEATURES,))
    network = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    recipe = training.Recipe(epochs=1, drop_path=0.0)
    training.train_network(network, data, recipe, validation=data, task=Named())
    with pytest.raises(UserError, match="'Named' cannot take .*KeyError"):
        make_toy(task=Named()).fit(data.map(lambda x: {"vector": x["vector"]}), data, verbose=0)


class TestPixels:
    PIXELS = np.random.default_rng(1).integers(0, 256, (8, 6, 6, 1)).astype("uint8")

    def test_whole_numbers_are_the_same_search_as_shares(self, one_edge_space):
        def run(images):
            keras.utils.set_random_seed(0)
            one = ArchitectureSearch(Supernet(one_edge_space, (6, 6, 1), 2, channels=2, cells=3))
            data = batches(images, LABELS)
            return one.fit(data, data, verbose=0).history, state(one), one.genotype()

        scaled = tf.cast(self.PIXELS, tf.float32) / 255
        one, other = run(self.PIXELS), run(scaled)
        assert one[0] == other[0]
        assert_same(one[1], other[1])
        self.check_network(one[2], scaled)

    def check_network(self, genotype, scaled):
        """The network of the cell is trained on arrays, and tested on both the same."""
        network = build_network(genotype, (6, 6, 1), 2, channels=2, cells=3)
        recipe = training.Recipe(epochs=1, drop_path=0.0)
        history = training.train_network(network, (self.PIXELS, ONE_HOT), recipe).history
        assert {"loss", "accuracy"} <= set(history)
        found = training.test_network(network, (self.PIXELS, LABELS))
        expected = training.test_network(network, batches(scaled, ONE_HOT))
        assert found == pytest.approx(expected, rel=1e-5)
        with pytest.raises(UserError, match="the test data have shape .* make the network with in"):
            training.test_network(network, (self.PIXELS[:, 1:], LABELS))
