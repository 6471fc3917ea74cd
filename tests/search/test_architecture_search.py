import functools
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.genotypes.genotype import Genotype
from darts_tf.runtime import optimizers
from darts_tf.runtime.train_function import compiles
from tests import toy
from tests.search.searches import (
    BATCH,
    EPOCHS,
    STEPS,
    TRAIN,
    VALIDATION,
    Recorder,
    assert_same,
    make,
    make_toy,
)

LOGS = [
    "loss",
    "accuracy",
    "architecture_loss",
    "val_loss",
    "val_accuracy",
    "entropy",
    "entropy_normal",
    "entropy_reduce",
    "learning_rate",
    "parameter_free_normal",
    "parameter_free_reduce",
    "close_to_a_draw_normal",
    "close_to_a_draw_reduce",
    "none_share",
    "collapse_warnings",
]


@pytest.fixture(scope="module")
def whole(tiny_space):
    """An uninterrupted search: the search, its history, what its callback saw."""
    search, recorder = make(tiny_space), Recorder()
    recorder.genotypes = []
    genotypes = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: recorder.genotypes.append(search.genotype())
    )
    history = search.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[recorder, genotypes], verbose=0)
    return search, history, recorder


class TestFit:
    def test_callbacks_in_keras_order(self, whole):
        expected = ["train begin"]
        for epoch in range(EPOCHS):
            expected.append(f"epoch {epoch} begin")
            expected += [f"batch {s} {w}" for s in range(STEPS) for w in ("begin", "end")]
            expected.append(f"epoch {epoch} end")
        assert whole[2].calls == [*expected, "train end"]

    def test_history(self, whole):
        _, history, recorder = whole
        assert history.epoch == list(range(EPOCHS))
        assert sorted(history.history) == sorted(LOGS)
        for name in LOGS:
            assert history.history[name] == [logs[name] for logs in recorder.logs]
            assert np.isfinite(history.history[name]).all()

    def test_learning_rate_is_a_cosine_over_the_whole_search(self, whole):
        done = np.arange(1, EPOCHS + 1) / EPOCHS
        expected = 0.001 + (0.025 - 0.001) * (1 + np.cos(np.pi * done)) / 2
        np.testing.assert_allclose(whole[1].history["learning_rate"], expected, rtol=1e-4)

    def test_entropy(self, whole):
        search = whole[0]
        rows = np.concatenate(list(search.operation_weights().values()))
        np.testing.assert_allclose(search.entropy(), np.mean(-np.sum(rows * np.log(rows), -1)))
        assert whole[1].history["entropy"][-1] == search.entropy() < np.log(3)
        assert search.entropy() > np.log(3) - 1e-2
        sums = {name: whole[1].history[f"entropy_{name}"][-1] for name in ("normal", "reduce")}
        assert sums == search.entropies() and sum(sums.values()) == 4 * search.entropy()
        by_step = search.step_entropies
        assert {name: len(values) for name, values in by_step.items()} == dict.fromkeys(sums, STEPS)
        assert {name: values[-1] for name, values in by_step.items()} == sums

    def test_validation_metrics_are_those_of_inference(self, whole):
        search, history, _ = whole
        images, labels = (np.concatenate(x) for x in zip(*VALIDATION(EPOCHS - 1), strict=True))
        logits = search.supernet(images, training=False).numpy()
        assert history.history["val_accuracy"][-1] == np.mean(logits.argmax(-1) == labels)
        probabilities = tf.nn.softmax(logits).numpy()[np.arange(len(labels)), labels]
        expected = -np.log(probabilities).mean()
        np.testing.assert_allclose(history.history["val_loss"][-1], expected, rtol=1e-5)

    def test_validation_measures_the_statistics_first(self, whole):
        search, history, *_ = whole
        moving = [v for v in search.supernet.non_trainable_variables if "moving" in v.path]
        before = [v.numpy() for v in moving]
        found = search.evaluate(VALIDATION(EPOCHS - 1))
        assert found["loss"] == history.history["val_loss"][-1]
        assert found["accuracy"] == history.history["val_accuracy"][-1]
        # As if they had been measured now, from other initial values.
        for variable in moving:
            variable.assign(variable + 1.0)
        assert search.evaluate(VALIDATION(EPOCHS - 1))["loss"] != found["loss"]
        passes = []

        def generate():
            passes.append(1)
            yield from VALIDATION(EPOCHS - 1)

        spec = VALIDATION(0).element_spec
        data = tf.data.Dataset.from_generator(generate, output_signature=spec)
        assert search.validate(data) == found
        assert_same([v.numpy() for v in moving], before)
        assert len(passes) == 1

    def test_the_search_moved_weights_and_alphas(self, whole, tiny_space):
        fresh = make(tiny_space).supernet
        for name in ("weight_variables", "architecture_variables"):
            pairs = zip(getattr(whole[0].supernet, name), getattr(fresh, name), strict=True)
            assert all(not np.array_equal(now, before) for now, before in pairs)

    def test_best(self, whole):
        search, history, recorder = whole
        accuracies = history.history["val_accuracy"]
        assert search.best.val_accuracy == max(accuracies)
        assert search.best.epoch == 1 + accuracies.index(max(accuracies))
        assert search.best.genotype == recorder.genotypes[search.best.epoch - 1]

    def test_genotype(self, whole, tiny_space):
        genotype = whole[0].genotype()
        assert isinstance(genotype, Genotype) and genotype.space == tiny_space
        assert all(e.operation != "none" for c in genotype.cells.values() for e in c.edges)


@pytest.mark.parametrize(
    ("given", "gpus", "expected"),
    [("auto", 0, False), ("auto", 1, True), (True, 0, True), (False, 1, False)],
)
def test_what_xla_compiles(monkeypatch, given, gpus, expected):
    devices = [types.SimpleNamespace(name=f"/device:GPU:{i}") for i in range(gpus)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: devices)
    assert compiles(given, tf.distribute.get_strategy()) is expected


def test_partial_last_batch():
    """All examples count alike: the losses are those of 6 and 5 of them in one batch."""
    still = optimizers.SGD(0.0), keras.optimizers.SGD(0.0)
    search = make_toy(weight_optimizer=still[0], architecture_optimizer=still[1])
    history = search.fit(toy.data(0, 0, 6), toy.data(1, 0, 5), verbose=0).history
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for name, data in (("loss", toy.data(0, 0, 6, 6)), ("architecture_loss", toy.data(1, 0, 5, 5))):
        ((vectors, labels),) = data
        expected = float(loss(labels, search.supernet(vectors, training=True)))
        assert history[name][0] == pytest.approx(expected, rel=1e-5)
        if name == "architecture_loss":
            assert history["val_loss"][0] == pytest.approx(expected, rel=1e-5)
    # 5 validation examples, all of them counted.
    right = history["val_accuracy"][0] * 5
    np.testing.assert_allclose(right, np.round(right), atol=1e-5)


class TestSecondFit:
    """A search of its own, from the weights and alphas of the first."""

    def fit(self, search):
        train, validation = (functools.partial(toy.data, part, examples=BATCH) for part in (0, 1))
        return search.fit(train, validation, 2, verbose=0).history["learning_rate"]

    def test_what_is_the_methods_begins_anew(self, eagerly):
        search = make_toy()
        first = self.fit(search)
        weights, optimizer = search.supernet.weight_variables[0].numpy(), search.weight_optimizer
        np.testing.assert_allclose(first, [0.013, 0.001], rtol=1e-5)
        assert self.fit(search) == first
        assert search.weight_optimizer is not optimizer
        assert int(search.weight_optimizer.iterations) == 2
        assert int(search.architecture_optimizer.iterations) == 2
        # Two more steps of some hundredths, and no new initial values.
        change = np.abs(search.supernet.weight_variables[0].numpy() - weights)
        assert 0 < change.max() < 0.2

    def test_what_was_given_goes_on(self, eagerly):
        schedule = keras.optimizers.schedules.PolynomialDecay(0.04, 4, 0.0)
        search = make_toy(weight_optimizer=optimizers.SGD(schedule, 0.9))
        np.testing.assert_allclose(self.fit(search), [0.03, 0.02], rtol=1e-5)
        trainer, optimizer = search.trainer, search.architecture_optimizer
        np.testing.assert_allclose(self.fit(search), [0.01, 0.0], rtol=1e-5, atol=1e-9)
        assert search.trainer is trainer and int(optimizer.iterations) == 4
