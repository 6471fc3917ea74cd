import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods
from darts_tf.common.errors import UserError
from darts_tf.runtime import optimizers
from darts_tf.schedules import Stage
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.callbacks import EachStage, MetricsLog
from tests import toy
from tests.eagerness import run_eagerly

EPOCHS, STEPS, BATCH = 2, 2, 4
METHOD = dataclasses.replace(
    methods.get("p-darts"),
    stages=(Stage(1, keep=3), Stage(2, keep=2, skip_dropout=0.4), Stage(3, skip_dropout=0.7)),
)


TRAIN, VALIDATION = (functools.partial(toy.data, part, examples=STEPS * BATCH) for part in (0, 1))


def make(method=METHOD, seed=0, start=0, **options):
    keras.utils.set_random_seed(seed + start)
    return ArchitectureSearch(toy.make(method, 1, seed), method, **options)


def state(search):
    """All numbers that a search goes on from, by name."""
    groups = search.checkpointed()
    return {f"{name} {i}": v.numpy() for name, vs in groups.items() for i, v in enumerate(vs)}


def assert_same(mine, its):
    assert mine.keys() == its.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, its[name], name)


class Watch(keras.callbacks.Callback):
    """A record of what a callback sees; may stop the search after a step or an epoch."""

    def __init__(self, search, stop_in=None, stop_after=None):
        super().__init__()
        self.search, self.stop_in, self.stop_after = search, stop_in, stop_after
        self.seen, self.supernets, self.logs = [], [], []

    def on_train_begin(self, logs=None):
        self.seen.append("begin")
        assert self.model is self.search.supernet
        self.supernets.append(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self.seen[-1] == self.stop_in:
            self.search.stop()

    def on_epoch_end(self, epoch, logs=None):
        self.logs.append(dict(logs))
        if epoch == self.stop_after:
            self.search.stop()

    def on_train_end(self, logs=None):
        self.seen.append("end")


@pytest.fixture(scope="module")
def whole():
    search = make()
    watch = Watch(search)
    with run_eagerly():
        history = search.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[watch], verbose=0)
    return search, history, watch


class TestFit:
    def test_callbacks_see_three_trainings_that_count_on(self, whole):
        _, history, watch = whole
        assert watch.seen == [x for first in (0, 2, 4) for x in ("begin", first, first + 1, "end")]
        assert history.epoch == list(range(6)) and len(history.history["val_loss"]) == 6
        assert watch.params["epochs"] == 6

    def test_every_stage_has_a_supernet_of_its_own(self, whole):
        search, _, watch = whole
        configs = [supernet.get_config() for supernet in watch.supernets]
        assert [config["cells"] for config in configs] == [1, 2, 3]
        assert [config["seed"] for config in configs] == [0, 1, 2]
        assert [config["skip_dropout"] for config in configs] == [False, True, True]
        kept = [set(config["edge_operations"]["normal"][0]) for config in configs[1:]]
        assert [len(names) for names in kept] == [3, 2] and kept[1] < kept[0]
        assert search.supernet is watch.supernets[-1] and search.in_last_stage

    def test_each_stage_begins_its_schedules_anew(self, whole):
        _, history, _ = whole
        # WarmUp(10, 25) freezes one of two epochs.
        rates = history.history["learning_rate"]
        np.testing.assert_allclose(rates, [0.0125, 0.0] * 3, rtol=1e-6, atol=1e-9)
        assert len(history.history["architecture_loss"]) == 3

    def test_the_genotype_is_that_of_the_last_stage(self, whole):
        search, _, _ = whole
        (edge,) = search.genotype()["normal"].edges
        assert edge.operation in search.supernet.get_config()["edge_operations"]["normal"][0]
        assert search.best.epoch in (1, 2)

    def test_a_second_fit_begins_with_the_first_supernet(self, eagerly):
        search = make()
        first = search.supernet
        for _ in range(2):
            watch = Watch(search)
            search.fit(TRAIN, VALIDATION, 1, callbacks=[watch], verbose=0)
            assert watch.supernets[0] is first and len(watch.supernets) == 3


class TestGoingOn:
    @pytest.mark.parametrize(
        "how, stopped_at", [({"stop_in": 3}, (3, 1)), ({"stop_after": 1}, (2, 0))]
    )
    def test_a_stopped_search_goes_on_bit_for_bit(self, whole, eagerly, tmp_path, how, stopped_at):
        """Within the second epoch of the second stage, and between the first two stages."""
        first = make()
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        before = Watch(first, **how)
        first.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[before], **options)
        assert first.stopped_at == stopped_at
        again = make(start=7)  # What is restored does not depend on the start.
        after = Watch(again)
        history = again.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[after], **options)
        assert again.stopped_at is None
        assert_same(state(again), state(whole[0]))
        assert again.genotype() == whole[0].genotype() and again.best == whole[0].best
        assert before.logs + after.logs == whole[2].logs
        assert history.epoch[-1] == 5
        assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["stage_1", "stage_2"]

        finished = make()
        assert finished.fit(TRAIN, VALIDATION, EPOCHS, **options).epoch == []
        assert_same(state(finished), state(whole[0]))

        restored = make(start=3)
        assert restored.restore(tmp_path) == (2, 0)
        assert restored.stage == 2 and restored.genotype() == whole[0].genotype()

        with pytest.raises(UserError, match="epochs was 2 and is now 3, but stages that have end"):
            make().fit(TRAIN, VALIDATION, EPOCHS + 1, **options)

    def test_restore_of_an_earlier_stage_and_of_nothing(self, eagerly, tmp_path):
        first = make()
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        assert first.restore(tmp_path) is None
        first.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[Watch(first, stop_in=2)], **options)
        again = make(start=3)
        assert again.restore(tmp_path) == (0, 1) and not again.in_last_stage
        pairs = zip(again.supernet.variables, first.supernet.variables, strict=True)
        for mine, its in pairs:
            np.testing.assert_array_equal(mine, its)

    def test_stop_training_ends_the_search(self, eagerly):
        search = make()
        stop = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: setattr(search.supernet, "stop_training", True)
        )
        assert search.fit(TRAIN, VALIDATION, 2, callbacks=[stop], verbose=0).epoch == [0]
        assert search.stage == 0


class Penalty:
    """Remembers the cells of the supernet that it was made for."""

    def __init__(self, cells):
        self.cells = cells

    def __call__(self, weights):
        return 0.0 * tf.reduce_sum(weights["normal"])

    def of_supernet(self, supernet):
        return Penalty(supernet.get_config()["cells"])


def test_what_a_user_gave_is_made_anew_for_every_supernet(eagerly):
    given = optimizers.SGD(0.02, 0.9, l2=1e-3)
    search = make(weight_optimizer=given, penalty=Penalty(1))
    search.fit(TRAIN, VALIDATION, 1, verbose=0)
    assert search.weight_optimizer is not given
    assert search.weight_optimizer.get_config() == given.get_config()
    assert int(search.weight_optimizer.iterations) == STEPS
    assert search.trainer.train_function is not None and search._penalty.cells == 3


def test_callbacks_of_each_stage_count_its_epochs(eagerly, tmp_path):
    search, made = make(), []

    def of_stage(number):
        made.append(number)
        return [MetricsLog(tmp_path / f"{number}.jsonl", search), Watch(search)]

    each = EachStage(search, of_stage)
    search.fit(TRAIN, VALIDATION, EPOCHS, callbacks=[each], verbose=0)
    assert made == [0, 1, 2]
    log, watch = each.callbacks
    assert [record["epoch"] for record in log.records] == [1, 2]
    assert watch.seen == ["begin", 0, 1, "end"] and watch.params["epochs"] == EPOCHS


def test_a_method_without_stages_has_one():
    search = make(methods.get("darts-v1"))
    assert len(search.stages) == 1 and search.in_last_stage
    assert search.stages.method(0) is search.method
    assert search.stages.folder("x", 0).as_posix() == "x" and search.stages.folder(None, 0) is None


def test_the_stage_of_a_method_alone():
    alone = METHOD.of_stage(METHOD.stages[1])
    assert alone.stages == METHOD.stages[1:2] and alone.skip_dropout(0, 25) == pytest.approx(0.384)
    assert METHOD.of_stage(METHOD.stages[0]).skip_dropout is None
