import dataclasses
import functools
import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from darts_tf import methods
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.runtime import optimizers
from darts_tf.runtime.out_of_memory import OutOfMemoryError
from darts_tf.runtime.train_function import TrainFunction, compiles
from darts_tf.schedules import Linear, WarmUp
from darts_tf.search.architecture_search import ArchitectureSearch, NonFiniteError
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.supernets.supernet import Supernet
from tests import killed_search

EPOCHS, STEPS, BATCH = 4, 3, 4
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


def data(part, epoch, examples=STEPS * BATCH):
    """Batches that depend on the epoch, as augmented ones do."""
    rng = np.random.default_rng([part, epoch])
    images = rng.normal(size=(examples, 6, 6, 1)).astype("float32")
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)


TRAIN, VALIDATION = functools.partial(data, 0), functools.partial(data, 1)


def make(space, method="darts-v1", seed=0, start=0, **kwargs):
    keras.utils.set_random_seed(seed + start)
    relaxation = methods.get(method).relaxation if isinstance(method, str) else method.relaxation
    supernet = Supernet(space, (6, 6, 1), 2, channels=2, cells=3, seed=seed, relaxation=relaxation)
    return ArchitectureSearch(supernet, method, **kwargs)


def state(search):
    """All numbers that a search goes on from."""
    return [
        variable.numpy()
        for owner in (search.supernet, search.weight_optimizer, search.architecture_optimizer)
        for variable in owner.variables
    ]


def assert_same(left, right):
    assert len(left) == len(right)
    for x, y in zip(left, right, strict=True):
        np.testing.assert_array_equal(x, y)


class Recorder(keras.callbacks.Callback):
    """Writes down every call; `stop_after` an epoch, or `interrupt` a search after a step."""

    def __init__(self, stop_after=None, interrupt=None):
        super().__init__()
        self.calls, self.logs = [], []
        self._stop_after, self._interrupt = stop_after, interrupt

    def on_train_begin(self, logs=None):
        self.calls.append("train begin")

    def on_train_end(self, logs=None):
        self.calls.append("train end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} end")
        self.logs.append(dict(logs))
        if epoch == self._stop_after:
            self.model.stop_training = True

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch} begin")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch {batch} end")
        if self._interrupt and f"epoch {self._interrupt[1]} begin" in self.calls:
            self._interrupt[0].stop()


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


def monitor(search):
    """A monitor that finds an eigenvalue in every epoch, at no cost."""
    search.eigenvalue = lambda: float(search.operation_weights()["normal"].max())
    return CollapseMonitor(search, eigenvalue_every=1)


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


class TestReproducible:
    @pytest.mark.slow
    def test_interrupted_search_equals_the_whole_one(self, whole, tiny_space, tmp_path):
        """Stopped within the second epoch, then after the third, each time a new process."""
        first = make(tiny_space)
        logs, watch = Recorder(interrupt=(first, 1)), monitor(first)
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        first.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[watch, logs], **options)
        assert first.stopped_at == (1, 1)
        assert logs.calls[-1] == "batch 0 end"

        second = make(tiny_space, start=5)  # What is restored does not depend on the start.
        again, watch = Recorder(stop_after=2), monitor(second)
        second.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[watch, again], **options)
        assert second.stopped_at is None
        assert again.calls[1:4] == ["epoch 1 begin", "batch 1 begin", "batch 1 end"]
        assert again.calls[-2:] == ["epoch 2 end", "train end"]

        third = make(tiny_space, start=6)
        last, late_watch = Recorder(), monitor(third)
        history = third.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[late_watch, last], **options)
        assert history.epoch == [3]
        measured = late_watch.state["measured"]
        assert [epoch for epoch, *_ in measured] == [0, 1, 2, 3]
        assert measured[:3] == watch.state["measured"]
        assert_same(state(third), state(whole[0]))
        assert third.genotype() == whole[0].genotype()
        seen = logs.logs + again.logs + last.logs
        assert [log.pop("eigenvalue") for log in seen] == [value for _, value, _ in measured]
        assert seen == whole[2].logs
        assert third.best == whole[0].best

        with pytest.raises(UserError, match="epochs was 4 and is now 3, and can only be raised"):
            third.fit(TRAIN, VALIDATION, EPOCHS - 1, verbose=0, checkpoint_dir=tmp_path)
        other = make(tiny_space, seed=1)
        with pytest.raises(UserError, match="other settings: supernet seed was 0 and is now 1"):
            other.fit(TRAIN, VALIDATION, EPOCHS, verbose=0, checkpoint_dir=tmp_path)

    @pytest.mark.slow
    def test_killed_search_equals_the_whole_one(self, tmp_path):
        """`kill -9` within the second epoch, then between the second and the third."""
        _, whole = killed_search.live(tmp_path / "whole", EPOCHS)
        folder = tmp_path / "killed"
        events, _ = killed_search.live(folder, EPOCHS, halt_at=("step", 1, 1))
        assert events[-1] == ("step", 1, 1)
        events, _ = killed_search.live(folder, EPOCHS, halt_at=("epoch", 2))
        # The step that was not saved yet is done again, and nothing else.
        assert events == [("epoch", 1), ("step", 1, 1), ("step", 1, 2), ("epoch", 2)]
        events, result = killed_search.live(folder, EPOCHS)
        assert events[0] == ("epoch", 2) and events[-1] == ("step", 3, 2)
        assert result == whole

    def test_same_seed_same_search_another_seed_another(self, one_edge_space, eagerly):
        logs = []
        for seed in (0, 0, 1):
            recorder = Recorder()
            search = make(one_edge_space, seed=seed)
            search.fit(TRAIN, VALIDATION, 1, callbacks=[recorder], verbose=0)
            logs.append(recorder.logs[0])
        assert logs[0] == logs[1] != logs[2]


class TestBrokenOff:
    """A search that is stopped outside of its steps loses none of them."""

    def test_it_goes_on_as_if_it_had_not_been(self, one_edge_space, eagerly, monkeypatch, tmp_path):
        """By an exception in the evaluation of an epoch, then by a stop in its callbacks."""
        whole, logs = make(one_edge_space), Recorder()
        whole.fit(TRAIN, VALIDATION, 2, callbacks=[logs], verbose=0)
        first, second, third = (make(one_edge_space, start=start) for start in range(3))
        options = {"verbose": 0, "checkpoint_dir": tmp_path}

        def evaluate(data):
            assert first.interruptible
            raise KeyboardInterrupt

        monkeypatch.setattr(first, "evaluate", evaluate)
        with pytest.raises(KeyboardInterrupt):
            first.fit(TRAIN, VALIDATION, 2, **options)
        stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: second.stop())
        again, last = Recorder(), Recorder()
        second.fit(TRAIN, VALIDATION, 2, callbacks=[stop, again], **options)
        assert second.stopped_at == (1, 0)
        assert again.calls == ["train begin", "epoch 0 begin", "epoch 0 end"]
        third.fit(TRAIN, VALIDATION, 2, callbacks=[last], **options)
        assert last.calls[1:3] == ["epoch 1 begin", "batch 0 begin"]
        assert again.logs + last.logs == logs.logs
        assert_same(state(third), state(whole))

    def test_more_epochs_go_on_with_the_schedules_of_so_many(
        self, one_edge_space, eagerly, tmp_path, caplog
    ):
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        first = make(one_edge_space)
        first.fit(TRAIN, VALIDATION, 1, **options)
        alphas = float(first.architecture_optimizer.learning_rate)
        longer, rates = make(one_edge_space, start=1), []
        watch = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda *_, **__: rates.append(
                float(longer.weight_optimizer.learning_rate)
            )
        )
        history = longer.fit(TRAIN, VALIDATION, 2, callbacks=[watch], **options)
        assert history.epoch == [1]
        # A cosine from 0.025 to 0.001 in 6 steps, of which the first three were taken earlier.
        steps = np.arange(STEPS, 2 * STEPS)
        expected = 0.001 + 0.024 * (1 + np.cos(np.pi * steps / (2 * STEPS))) / 2
        np.testing.assert_allclose(rates, expected, rtol=1e-5)
        # That of the alphas is no schedule, and stays.
        assert float(longer.architecture_optimizer.learning_rate) == alphas
        assert "was begun for 1 epochs and goes on with the schedules of 2" in caplog.text

    def test_interruptible(self, one_edge_space, eagerly, tmp_path):
        """Before the first step, and again once the epoch is saved."""
        search, seen = make(one_edge_space), []

        def look(*_, **__):
            seen.append(search.interruptible)

        watch = keras.callbacks.LambdaCallback(
            on_epoch_begin=look, on_train_batch_end=look, on_epoch_end=look
        )
        search.fit(TRAIN, VALIDATION, 2, callbacks=[watch], verbose=0, checkpoint_dir=tmp_path)
        assert seen == 2 * [True, *STEPS * [False], False]


class TestSchedules:
    METHOD = dataclasses.replace(
        methods.get("snas"),
        gradient="first_order",
        warm_up=WarmUp(1, 3),
        temperature=Linear(2.0, 0.5),
    )

    @pytest.mark.slow
    def test_a_random_search_with_schedules_goes_on_bit_for_bit(
        self, tiny_space, eagerly, tmp_path
    ):
        whole, logs = make(tiny_space, self.METHOD), Recorder()
        seen = []
        watch = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(
                (
                    float(whole.supernet.architecture.temperature),
                    whole.operation_weights()["normal"].copy(),
                )
            )
        )
        start = whole.operation_weights()["normal"]
        history = whole.fit(TRAIN, VALIDATION, 3, callbacks=[logs, watch], verbose=0)
        assert [temperature for temperature, _ in seen] == [2.0, 1.25, 0.5]
        np.testing.assert_array_equal(seen[0][1], start)
        assert not np.array_equal(seen[1][1], start)
        assert "architecture_loss" not in logs.logs[0] and "architecture_loss" in logs.logs[1]
        assert len(history.history["architecture_loss"]) == 2

        first = make(tiny_space, self.METHOD)
        stopped = Recorder(interrupt=(first, 1))
        first.fit(TRAIN, VALIDATION, 3, callbacks=[stopped], verbose=0, checkpoint_dir=tmp_path)
        assert first.stopped_at == (1, 1)
        second, last = make(tiny_space, self.METHOD, start=5), Recorder()
        second.fit(TRAIN, VALIDATION, 3, callbacks=[last], verbose=0, checkpoint_dir=tmp_path)
        assert_same(state(second), state(whole))
        assert stopped.logs + last.logs == logs.logs


def make_other(space, method, channels):
    keras.utils.set_random_seed(0)
    relaxation = methods.get(method).relaxation
    supernet = Supernet(space, (6, 6, 1), 2, channels=channels, cells=3, relaxation=relaxation)
    return ArchitectureSearch(supernet, method)


def assert_searched(search, history, before):
    assert np.all(np.isfinite([history.history[name] for name in LOGS]))
    for variable, start in zip(search.supernet.architecture_variables, before, strict=True):
        assert np.any(variable.numpy() != start)
    assert isinstance(search.genotype(), Genotype)


@pytest.mark.slow
def test_sampled_operations_go_on_bit_for_bit(tiny_space, tmp_path):
    whole, stopped = (make_other(tiny_space, "gdas", 2) for _ in range(2))
    before = [v.numpy() for v in whole.supernet.architecture_variables]
    assert_searched(whole, whole.fit(TRAIN, VALIDATION, 2, verbose=0), before)
    interrupt = Recorder(interrupt=(stopped, 0))
    stopped.fit(TRAIN, VALIDATION, 2, callbacks=[interrupt], verbose=0, checkpoint_dir=tmp_path)
    assert stopped.stopped_at == (0, 1)
    stopped.fit(TRAIN, VALIDATION, 2, verbose=0, checkpoint_dir=tmp_path)
    assert_same(state(stopped), state(whole))


def test_an_estimator_with_a_state_goes_on_bit_for_bit(tiny_space, eagerly, tmp_path):
    """Baseline, control variate, its optimizer, running variance and the steps' entropies."""
    method = dataclasses.replace(methods.get("relax"), gradient_options={"hidden": 3})
    whole, stopped, again = (make(tiny_space, method) for _ in range(3))
    history = whole.fit(TRAIN(0), VALIDATION(0), 1, verbose=0).history
    assert history["loss_evaluations"] == [STEPS] and history["gradient_variance"][0] > 0
    interrupt = Recorder(interrupt=(stopped, 0))
    options = {"verbose": 0, "checkpoint_dir": tmp_path}
    stopped.fit(TRAIN(0), VALIDATION(0), 1, callbacks=[interrupt], **options)
    assert stopped.stopped_at == (0, 1)
    rest = again.fit(TRAIN(0), VALIDATION(0), 1, **options).history
    assert rest == history
    assert again.step_entropies == whole.step_entropies
    assert len(whole.step_entropies["normal"]) == STEPS
    assert_same(state(again), state(whole))
    assert_same(*([v.numpy() for v in s.trainer.gradient.variables] for s in (again, whole)))
    assert len(again.trainer.gradient.variables) > 20


@pytest.mark.parametrize(
    ("given", "gpus", "expected"),
    [("auto", 0, False), ("auto", 1, True), (True, 0, True), (False, 1, False)],
)
def test_what_xla_compiles(monkeypatch, given, gpus, expected):
    devices = [types.SimpleNamespace(name=f"/device:GPU:{i}") for i in range(gpus)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: devices)
    assert compiles(given, tf.distribute.get_strategy()) is expected


def test_no_direction_for_the_finite_difference_is_said_once(tiny_space, eagerly, monkeypatch):
    said = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: said.append(text % args))
    # A loss that the weights do not enter.
    search = make(tiny_space, "darts-v2", loss=lambda labels, logits: 0 * logits[:, 0])
    search.fit(TRAIN(0).take(2), VALIDATION, verbose=0)
    text, draw = said
    assert "zero or not finite in step 1 of epoch 1" in text and "first-order gradient" in text
    # Only the weight decay moved the alphas.
    assert "close to a draw" in draw


class TestErrors:
    def test_not_finite(self, tiny_space, eagerly, tmp_path):
        search = make(tiny_space)
        bad = (
            TRAIN(0)
            .enumerate()
            .map(lambda step, batch: (batch[0] * (np.nan if step == 1 else 1.0), batch[1]))
        )
        bad = bad.apply(tf.data.experimental.assert_cardinality(STEPS))
        reasons = "not finite in step 2 of epoch 1 .*learning rate that is too high, or images that"
        with pytest.raises(NonFiniteError, match=reasons):
            search.fit(bad, VALIDATION, verbose=0, checkpoint_dir=tmp_path, checkpoint_seconds=0)
        # The last checkpoint is that of the step before.
        again, recorder = make(tiny_space), Recorder()
        again.fit(TRAIN(0), VALIDATION, callbacks=[recorder], verbose=0, checkpoint_dir=tmp_path)
        assert recorder.calls[2] == "batch 1 begin"
        assert all(np.isfinite(value).all() for value in state(again))

    @pytest.mark.parametrize(
        "error, asked_for",
        [
            (
                tf.errors.ResourceExhaustedError(
                    None,
                    None,
                    "Graph execution error:\n\nOOM when allocating tensor with shape[64,32,8,8] "
                    "and type float on /device:GPU:0 by allocator GPU_0_bfc [Op:Conv2D]\n\nHint",
                ),
                r"OOM when allocating tensor with shape\[64,32,8,8\] and type float",
            ),
            (MemoryError(), "an allocation failed"),
        ],
    )
    def test_out_of_memory(self, tiny_space, error, asked_for, monkeypatch):
        def step(*args):
            raise error

        monkeypatch.setattr(TrainFunction, "__call__", step)
        search = make(tiny_space)
        train = data(0, 0).unbatch().batch(BATCH, drop_remainder=True)
        train = train.apply(tf.data.experimental.assert_cardinality(STEPS))
        with pytest.raises(OutOfMemoryError, match=f"out of memory in epoch 1: {asked_for}") as e:
            search.fit(train, VALIDATION, verbose=0)
        text = str(e.value)
        assert "\n" not in text and "The last checkpoint is intact" in text
        assert "--channels or fewer --cells, or more --accumulate_steps. The last" in text
        had, with_2, with_1 = (
            float(found)
            for found in re.search(
                r"batch size 4 .* taken ([\d.]+) GB .* ([\d.]+) GB with 2, ([\d.]+) GB with 1\.",
                text,
            ).groups()
        )
        assert 0.2 < had < 50
        assert abs(with_2 - had / 2) <= 0.1 and abs(with_1 - had / 4) <= 0.1

    @pytest.mark.parametrize(
        "train, validation, reason",
        [
            (TRAIN(0).take(0), VALIDATION, "hold no whole batch; use a smaller batch size"),
            (TRAIN, VALIDATION(0).take(0), "hold no whole batch"),
            (TRAIN(0).repeat(), VALIDATION, "unknown or infinite; use .take"),
            (TRAIN(0).filter(lambda *_: True), VALIDATION, "unknown or infinite"),
            (TRAIN, VALIDATION(0).repeat(), "the validation data have no end, .* leave out .rep"),
        ],
    )
    def test_data_without_a_length(self, whole, train, validation, reason):
        with pytest.raises(UserError, match=reason):
            whole[0].fit(train, validation, verbose=0)

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

    def test_evaluation_of_data_without_an_end(self, whole):
        with pytest.raises(UserError, match="the data to evaluate on have no end"):
            whole[0].evaluate(VALIDATION(0).repeat())

    def test_optimizer_that_cannot_be_unrolled(self, tiny_space):
        search = make(tiny_space, "darts-v2", weight_optimizer=optimizers.Adam(0.1))
        with pytest.raises(UserError, match="unrolls a step of SGD; got the weight optimizer Adam"):
            search.fit(TRAIN, VALIDATION, verbose=0)

    @pytest.mark.parametrize(
        "method, steps, reason",
        [
            ("darts-v1", 0, "accumulate_steps must be at least 1, got 0"),
            ("darts-v2-exact", 2, "does not go with the hypergradient 'unrolled'"),
        ],
    )
    def test_accumulation_that_is_none(self, whole, method, steps, reason):
        with pytest.raises(UserError, match=reason):
            ArchitectureSearch(whole[0].supernet, method, accumulate_steps=steps)

    def test_recomputation_that_is_none(self, tiny_space):
        plain = Supernet(tiny_space, (6, 6, 1), 2, channels=2, cells=3, batched=False)
        with pytest.raises(UserError, match="these cells are of kind MixedCell"):
            ArchitectureSearch(plain, "darts-v1", recompute=True)

    def test_unknown_method(self, whole):
        with pytest.raises(UserError, match="unknown method 'darts'; expected one of darts-v1"):
            ArchitectureSearch(whole[0].supernet, "darts")


def test_partial_last_batch(one_edge_space):
    search = make(one_edge_space)
    history = search.fit(data(0, 0, 6), data(1, 0, 5), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    # 5 validation images, all of them counted.
    right = history.history["val_accuracy"][0] * 5
    np.testing.assert_allclose(right, np.round(right), atol=1e-5)


class TestSecondFit:
    """A search of its own, from the weights and alphas of the first."""

    def fit(self, search):
        train, validation = (functools.partial(data, part, examples=BATCH) for part in (0, 1))
        return search.fit(train, validation, 2, verbose=0).history["learning_rate"]

    def test_what_is_the_methods_begins_anew(self, one_edge_space, eagerly):
        search = make(one_edge_space)
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

    def test_what_was_given_goes_on(self, one_edge_space, eagerly):
        schedule = keras.optimizers.schedules.PolynomialDecay(0.04, 4, 0.0)
        search = make(one_edge_space, weight_optimizer=optimizers.SGD(schedule, 0.9))
        np.testing.assert_allclose(self.fit(search), [0.03, 0.02], rtol=1e-5)
        trainer, optimizer = search.trainer, search.architecture_optimizer
        np.testing.assert_allclose(self.fit(search), [0.01, 0.0], rtol=1e-5, atol=1e-9)
        assert search.trainer is trainer and int(optimizer.iterations) == 4
