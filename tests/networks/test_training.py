import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.genotypes import CellGenotype, Genotype
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.layers.drop_path import DropPath
from darts_tf.networks import training
from darts_tf.networks.network import build_network, without_auxiliary
from darts_tf.networks.training import Recipe, SmoothedCrossentropy

EPOCHS, STEPS, BATCH = 3, 2, 4
# A cell of one node takes a sixth of the time of those of the literature.
SPACE = spaces.Space("training", ("none", "skip_connect", "sep_conv_3x3"), nodes=1)
CELL = CellGenotype([[("sep_conv_3x3", 0), ("skip_connect", 1)]], (2,))


def data(epoch, examples=STEPS * BATCH):
    rng = np.random.default_rng(epoch)
    images = rng.normal(size=(examples, 8, 8, 1)).astype("float32")
    labels = rng.integers(0, 3, examples).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)


def network(seed=0, **kwargs):
    keras.utils.set_random_seed(seed)
    genotype = Genotype(spaces.register(SPACE).name, {"normal": CELL, "reduce": CELL})
    return build_network(genotype, (8, 8, 1), 3, 2, 3, **kwargs)


class TestSmoothedCrossentropy:
    logits = np.array([[1.0, 2.0, -1.0], [0.0, 0.5, 3.0]], "float32")
    labels = np.array([0, 2], "int32")

    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_formula(self, smoothing):
        p = np.exp(self.logits) / np.exp(self.logits).sum(axis=1, keepdims=True)
        expected = 0.0
        for row, label in zip(p, self.labels, strict=True):
            for k in range(3):
                expected -= ((1 - smoothing) * (k == label) + smoothing / 3) * np.log(row[k])
        got = SmoothedCrossentropy(smoothing)(self.labels, self.logits)
        np.testing.assert_allclose(got, expected / 2, rtol=1e-6)

    def test_without_smoothing_it_is_keras_own(self):
        own = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        np.testing.assert_allclose(
            SmoothedCrossentropy()(self.labels, self.logits), own(self.labels, self.logits)
        )

    def test_config(self):
        loss = SmoothedCrossentropy(0.2)
        assert SmoothedCrossentropy.from_config(loss.get_config()).smoothing == 0.2


class TestCompile:
    def test_optimizer(self):
        model = network()
        training.compile_network(model, Recipe(epochs=5, learning_rate=0.1), steps_per_epoch=10)
        optimizer = model.optimizer
        assert (optimizer.momentum, optimizer.l2, optimizer.global_clipnorm) == (0.9, 3e-4, 5.0)
        schedule = optimizer._learning_rate
        rates = [float(schedule(step)) for step in (0, 25, 50)]
        np.testing.assert_allclose(rates, [0.1, 0.05, 0.0], atol=1e-7)

    def test_auxiliary_loss_is_weighted(self):
        model = network(auxiliary=True)
        training.compile_network(model, Recipe(auxiliary_weight=0.4), 1)
        model.run_eagerly = True
        ((images, labels),) = data(0).take(1)
        result = model.evaluate(
            images, {"logits": labels, "auxiliary": labels}, verbose=0, return_dict=True
        )
        expected = result["logits_loss"] + 0.4 * result["auxiliary_loss"]
        np.testing.assert_allclose(result["loss"], expected, rtol=1e-5)
        assert result["auxiliary_loss"] > 0.1


class Rates(keras.callbacks.Callback):
    """Writes down the rate of drop path and the learning rate in each epoch."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.drop_path, self.learning, self._stop_after = [], [], stop_after

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            layers = [x for x in self.model._flatten_layers() if isinstance(x, DropPath)]
            self.drop_path.append(float(layers[0].rate))
            self.learning.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self._stop_after:
            self.model.stop_training = True


@pytest.mark.slow
def test_resumed_training_equals_the_whole_one(eagerly, tmp_path):
    """With drop path and an auxiliary head; schedules go on as well."""
    recipe = Recipe(epochs=EPOCHS, drop_path=0.3)
    whole, rates = network(auxiliary=True, drop_path=True), Rates()
    history = training.train_network(whole, data, recipe, extra_callbacks=[rates])
    assert history.epoch == [0, 1, 2]
    # Keras calls the accuracy logits_accuracy where there is another head.
    assert {"loss", "accuracy", "logits_loss", "auxiliary_loss"} == {*history.history}
    np.testing.assert_allclose(rates.drop_path, [0.0, 0.1, 0.2], rtol=1e-6)
    np.testing.assert_allclose(rates.learning, [0.025, 0.025 * 0.75, 0.025 * 0.25], rtol=1e-5)

    part = network(auxiliary=True, drop_path=True)
    training.train_network(
        part, data, recipe, extra_callbacks=[Rates(stop_after=0)], checkpoint_dir=tmp_path
    )
    rest, rates = network(5, auxiliary=True, drop_path=True), Rates()
    history = training.train_network(
        rest, data, recipe, extra_callbacks=[rates], checkpoint_dir=tmp_path
    )
    assert history.epoch == [1, 2]
    np.testing.assert_allclose(rates.drop_path, [0.1, 0.2], rtol=1e-6)
    # Equal to the last bit on most machines; elsewhere two graphs may round a sum differently.
    for mine, its in zip(rest.variables, whole.variables, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6)

    test = training.test_network(rest, data(9))
    images, labels = (np.concatenate(x) for x in zip(*data(9), strict=True))
    logits = without_auxiliary(rest)(images, training=False).numpy()
    assert set(test) == {"loss", "accuracy"}
    np.testing.assert_allclose(test["accuracy"], np.mean(logits.argmax(-1) == labels))
    p = tf.nn.softmax(logits).numpy()[np.arange(len(labels)), labels]
    np.testing.assert_allclose(test["loss"], -np.log(p).mean(), rtol=1e-4)


def test_moving_statistics_are_those_of_the_last_weights(eagerly):
    """Of two steps of momentum 0.9 they would be 81 % of the initial ones."""
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(4, use_bias=False)
    normalization = BatchNormalization()
    images = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(normalization(dense(images)))
    model = keras.Model(images, keras.layers.Dense(3)(x))

    def small(epoch):
        return data(epoch).map(lambda images, labels: (1e-2 * images, labels))

    history = training.train_network(model, small, Recipe(epochs=1), validation=small(7))
    parts = [np.reshape(dense(images), (-1, 4)) for images, _ in small(0)]
    expected = np.mean([part.var(0, ddof=1) for part in parts], axis=0)
    assert expected.max() < 1e-3
    np.testing.assert_allclose(normalization.moving_variance, expected, rtol=1e-4)
    found = np.mean([part.mean(0) for part in parts], axis=0)
    np.testing.assert_allclose(normalization.moving_mean, found, rtol=1e-3, atol=1e-8)
    # The validation saw them too.
    loss = training.test_network(model, small(7))["loss"]
    np.testing.assert_allclose(history.history["val_loss"], [loss], rtol=1e-5)


def test_every_epoch_sees_its_own_batches():
    batches = list(training.all_epochs(data, range(1, 3), auxiliary=True))
    expected = [batch for epoch in (1, 2) for batch in data(epoch)]
    assert len(batches) == 4
    for (images, targets), (other, labels) in zip(batches, expected, strict=True):
        np.testing.assert_array_equal(images, other)
        np.testing.assert_array_equal(targets["logits"], labels)
        np.testing.assert_array_equal(targets["auxiliary"], labels)


def test_graphs_run_as_they_are_traced(eagerly):
    def optimized(*_):
        options = tf.config.optimizer.get_experimental_options()
        return not options.get("disable_meta_optimizer", False)

    images = keras.Input((8, 8, 1))
    model = keras.Model(images, keras.layers.Dense(3)(keras.layers.Flatten()(images)))
    seen, before = [], optimized()
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: seen.append(optimized())
    )
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    try:
        training.train_network(model, data, Recipe(epochs=1), extra_callbacks=[look])
        assert optimized()
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not before})
    assert seen == STEPS * [False]
