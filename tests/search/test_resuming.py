"""A search that was stopped, killed or broken off goes on as if it had not been."""

import dataclasses

import keras
import numpy as np
import pytest

from darts_tf import methods
from darts_tf.common.errors import UserError
from darts_tf.schedules import Linear, WarmUp
from darts_tf.search.collapse_monitor import CollapseMonitor
from tests import killed_search
from tests.search.searches import EPOCHS, STEPS, Recorder, assert_same, state
from tests.search.searches import TOY_TRAIN as TRAIN
from tests.search.searches import TOY_VALIDATION as VALIDATION
from tests.search.searches import make_toy as make


@pytest.fixture(scope="module")
def whole(tiny_space):
    """An uninterrupted search: the search, its history, what its callback saw."""
    search, recorder = make(), Recorder()
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


class TestReproducible:
    @pytest.mark.slow
    def test_interrupted_search_equals_the_whole_one(self, whole, tmp_path):
        """Stopped within the second epoch, then after the third, each time a new process."""
        first = make()
        logs, watch = Recorder(interrupt=(first, 1)), monitor(first)
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        first.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[watch, logs], **options)
        assert first.stopped_at == (1, 1)
        assert logs.calls[-1] == "batch 0 end"

        second = make(start=5)  # What is restored does not depend on the start.
        again, watch = Recorder(stop_after=2), monitor(second)
        second.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[watch, again], **options)
        assert second.stopped_at is None
        assert again.calls[1:4] == ["epoch 1 begin", "batch 1 begin", "batch 1 end"]
        assert again.calls[-2:] == ["epoch 2 end", "train end"]

        third = make(start=6)
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
        other = make(seed=1)
        with pytest.raises(UserError, match="other settings: supernet seed was 0 and is now 1"):
            other.fit(TRAIN, VALIDATION, EPOCHS, verbose=0, checkpoint_dir=tmp_path)

    @pytest.mark.slow
    def test_killed_search_equals_the_whole_one(self, tmp_path):
        """`kill -9` within the second epoch, then between the second and the third.

        The killed one reads its images from disk as it needs them, the whole one from memory.
        """
        images = killed_search.photos(tmp_path / "photos")
        _, whole = killed_search.live(tmp_path / "whole", EPOCHS, images)
        given, disk = (tmp_path / "killed", EPOCHS, images), {"cache_dir": tmp_path / "cache"}
        events, _ = killed_search.live(*given, **disk, halt_at=("step", 1, 1))
        assert events[-1] == ("step", 1, 1)
        assert any((tmp_path / "cache").iterdir())
        events, _ = killed_search.live(*given, **disk, halt_at=("epoch", 2))
        # The step that was not saved yet is done again, and nothing else.
        assert events == [("epoch", 1), ("step", 1, 1), ("step", 1, 2), ("epoch", 2)]
        events, result = killed_search.live(*given, **disk)
        assert events[0] == ("epoch", 2) and events[-1] == ("step", 3, 2)
        assert result == whole

    def test_same_seed_same_search_another_seed_another(self, eagerly):
        logs = []
        for seed in (0, 0, 1):
            recorder = Recorder()
            search = make(seed=seed)
            search.fit(TRAIN, VALIDATION, 1, callbacks=[recorder], verbose=0)
            logs.append(recorder.logs[0])
        assert logs[0] == logs[1] != logs[2]


class TestBrokenOff:
    """A search that is stopped outside of its steps loses none of them."""

    def test_it_goes_on_as_if_it_had_not_been(self, eagerly, monkeypatch, tmp_path):
        """By an exception in the evaluation of an epoch, then by a stop in its callbacks."""
        whole, logs = make(), Recorder()
        whole.fit(TRAIN, VALIDATION, 2, callbacks=[logs], verbose=0)
        first, second, third = (make(start=start) for start in range(3))
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

    def test_more_epochs_go_on_with_the_schedules_of_so_many(self, eagerly, tmp_path, caplog):
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        first = make()
        first.fit(TRAIN, VALIDATION, 1, **options)
        alphas = float(first.architecture_optimizer.learning_rate)
        longer, rates = make(start=1), []
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

    def test_interruptible(self, eagerly, tmp_path):
        """Before the first step, and again once the epoch is saved."""
        search, seen = make(), []

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
    def test_a_random_search_with_schedules_goes_on_bit_for_bit(self, eagerly, tmp_path):
        whole, logs = make(self.METHOD), Recorder()
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

        first = make(self.METHOD)
        stopped = Recorder(interrupt=(first, 1))
        first.fit(TRAIN, VALIDATION, 3, callbacks=[stopped], verbose=0, checkpoint_dir=tmp_path)
        assert first.stopped_at == (1, 1)
        second, last = make(self.METHOD, start=5), Recorder()
        second.fit(TRAIN, VALIDATION, 3, callbacks=[last], verbose=0, checkpoint_dir=tmp_path)
        assert_same(state(second), state(whole))
        assert stopped.logs + last.logs == logs.logs


@pytest.mark.slow
def test_sampled_operations_go_on_bit_for_bit(tmp_path):
    whole, stopped = (make("gdas") for _ in range(2))
    whole.fit(TRAIN, VALIDATION, 2, verbose=0)
    interrupt = Recorder(interrupt=(stopped, 0))
    stopped.fit(TRAIN, VALIDATION, 2, callbacks=[interrupt], verbose=0, checkpoint_dir=tmp_path)
    assert stopped.stopped_at == (0, 1)
    stopped.fit(TRAIN, VALIDATION, 2, verbose=0, checkpoint_dir=tmp_path)
    assert_same(state(stopped), state(whole))


def test_an_estimator_with_a_state_goes_on_bit_for_bit(eagerly, tmp_path):
    """Baseline, control variate, its optimizer, running variance and the steps' entropies."""
    method = dataclasses.replace(methods.get("relax"), gradient_options={"hidden": 3})
    whole, stopped, again = (make(method) for _ in range(3))
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
