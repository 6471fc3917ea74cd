import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods
from darts_tf.schedules import Growing
from darts_tf.schedules.transitions import Grow
from darts_tf.search import callbacks, growth
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.state import SearchState
from darts_tf.spaces.two_input_rnn import chain
from darts_tf.supernets.growth.changes import AddNode, Duplicate, Split
from tests.search.searches import Program

# Every change would be traced anew; tests/train runs a growing search that is.
pytestmark = pytest.mark.usefixtures("eager_file")

WORDS, STEPS, BATCH = 5, 2, 2
EPOCHS, BATCHES = 4, 2


TWICE = Program(
    {
        0: (Grow((Duplicate("recurrent", 0, "tanh"), AddNode())),),
        1: (Grow((AddNode(),)),),
    }
)


def texts(part):
    def batches(epoch):
        tokens = np.random.default_rng([part, epoch]).integers(
            0, WORDS, (BATCH * BATCHES, STEPS + 1)
        )
        data = tf.data.Dataset.from_tensor_slices((tokens[:, :-1], tokens[:, 1:]))
        return data.batch(BATCH, drop_remainder=True)

    return batches


def make(rule=TWICE):
    keras.utils.set_random_seed(0)
    method = dataclasses.replace(methods.get("growing", "two_input_rnn"), rule=rule)
    space = chain(1, ("tanh", "identity", "hadamard"))
    supernet = method.make_supernet(space, (None,), WORDS, channels=3, cells=1)
    return ArchitectureSearch(supernet, method, task="language_modeling")


def fit(search, folder=None, epochs=EPOCHS, **options):
    return search.fit(
        texts(0), texts(1), epochs, verbose=0, checkpoint_dir=folder, **options
    ).history


def everything(search):
    return {
        (group, i): v.numpy()
        for group, variables in search.checkpointed().items()
        for i, v in enumerate(variables)
    }


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name, mine in first.items():
        np.testing.assert_array_equal(mine, second[name], str(name))


@pytest.fixture(scope="module")
def whole(eager_file, tmp_path_factory):
    """An uninterrupted search with checkpoints, and its history."""
    search, folder = make(), tmp_path_factory.mktemp("whole")
    log = callbacks.MetricsLog(folder / "metrics.jsonl", search)
    weights = callbacks.OperationWeightsLog(search, folder / "weights.npz")
    history = fit(search, folder / "checkpoints", callbacks=[log, weights])
    return search, history, folder


def test_the_search_goes_on_larger(whole):
    search, history, folder = whole
    assert history["grown"] == [0, 1, 2, 2]
    assert history["nodes"] == [1, 2, 3, 3]
    # Copies belong to one node; a new one has the kinds.
    assert history["candidates"] == [3, 4 + 3, 4 + 3 + 3, 10]
    assert search.weight_optimizer.iterations == BATCHES * EPOCHS
    assert search.operation_weights()["recurrent"].shape == (3, 4)
    genotype = search.genotype()
    assert len(genotype["recurrent"].nodes) == 3 and genotype.space == "two_input_rnn"
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["nodes"] for line in lines] == [1, 2, 3, 3]
    with np.load(folder / "weights.npz") as arrays:
        drawn = arrays["recurrent"]
    assert drawn.shape == (4, 3, 4)
    np.testing.assert_allclose(drawn.sum(-1), [[1, 0, 0], [1, 1, 0], [1] * 3, [1] * 3], rtol=1e-5)


class Kill(BaseException):
    pass


def killed_at(place, monkeypatch, call=3):
    """Makes a search break off in a change; by default in the second growth."""
    calls, number = [], call

    def broken(original):
        def call(*args, **kwargs):
            calls.append(1)
            if len(calls) == number:
                raise Kill
            return original(*args, **kwargs)

        return call

    owner, name = place
    monkeypatch.setattr(owner, name, broken(getattr(owner, name)))


@pytest.mark.parametrize(
    "place",
    [
        (growth.growing, "planned"),
        (SearchState, "transfer"),
        (growth.growing, "finished"),
    ],
    ids=["before", "between", "behind"],
)
def test_killed_in_the_step_that_grows(place, whole, tmp_path, monkeypatch):
    search, history, _ = whole
    with monkeypatch.context() as patch:
        killed_at(place, patch)
        with pytest.raises(Kill):
            fit(make(), tmp_path)
    resumed = make()
    again = fit(resumed, tmp_path)
    # The epoch whose end was lost is done again.
    assert again["nodes"] == [2, 3, 3]
    assert_equal(everything(resumed), everything(search))
    for name in ("val_loss", "loss", "entropy"):
        assert again[name] == history[name][1:]


def test_stopped_in_the_middle_of_a_grown_epoch(whole, tmp_path):
    search = make()

    class StopInside(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (2, 0):
                search.stop()

    fit(search, tmp_path, callbacks=[StopInside()])
    assert search.stopped_at == (2, 1)
    resumed = make()
    fit(resumed, tmp_path)
    assert_equal(everything(resumed), everything(whole[0]))
    restored = make()
    restored.restore(tmp_path)
    for mine, its in zip(restored.supernet.variables, whole[0].supernet.variables, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_without_checkpoints_it_is_the_same(whole):
    search = make()
    fit(search)
    assert_equal(everything(search), everything(whole[0]))


def test_alphas_and_slots_carry_over():
    search, seen = make(Program({0: (Grow((AddNode(noise=0),)),)})), {}

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                seen["before"] = [v.numpy() for v in self._variables()]

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                seen["after"] = [v.numpy() for v in self._variables()]

        def _variables(self):
            optimizer = search.architecture_optimizer
            return [search.supernet.architecture_variables[0], *optimizer._momentums]

    fit(search, epochs=2, callbacks=[Look()])
    for before, after in zip(seen["before"], seen["after"], strict=True):
        np.testing.assert_array_equal(after[:1], before)
        np.testing.assert_array_equal(after[1:], 0)
    assert np.abs(seen["before"][1]).max() > 0


@pytest.mark.parametrize("kept_in_files", [pytest.param(True, marks=pytest.mark.thorough), False])
def test_it_returns_to_the_best_supernet(kept_in_files, tmp_path, monkeypatch):
    """With made-up losses 3, 2, 1.5, 1.6 of supernets that are judged after two epochs each."""
    losses, values = iter([3, 3.1, 2, 2.1, 1.5, 1.7, 1.6, 1.65]), {}
    search = make(Growing(patience=1))

    def validate(data):
        loss = next(losses)
        values[loss] = [v.numpy() for v in search.supernet.variables]
        return {"loss": loss, "perplexity": np.exp(loss)}

    monkeypatch.setattr(search, "validate", validate)
    history = fit(search, tmp_path if kept_in_files else None, epochs=20)
    assert history["nodes"] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert search.supernet.space.nodes == 3
    for mine, its in zip(search.supernet.variables, values[1.5], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert len(search.genotype()["recurrent"].nodes) == 3
    if kept_in_files:
        assert sorted(p.name for p in (tmp_path / "best_supernet").iterdir()) == [
            "epoch_2.npz",
            "epoch_4.npz",
        ]
        restored = make(Growing(patience=1))
        restored.restore(tmp_path)
        assert restored.genotype() == search.genotype()


def test_splits_carry_over_and_are_resumed(tmp_path, monkeypatch):
    """A split, whose directions are measured, and a node in one growth; broken off between them."""
    split = Program({0: (Grow((Split(length=0.1), AddNode())),)})
    seen = {}

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen[epoch] = alphas_and_slots(search)

        def on_epoch_begin(self, epoch, logs=None):
            seen[epoch, "begin"] = alphas_and_slots(search)

    search = make(split)
    history = fit(search, epochs=2, callbacks=[Look()])
    assert history["candidates"] == [3, 4 + 3] and history["nodes"] == [1, 2]
    (copied,) = (i for i, name in enumerate(search.supernet.space.operations) if ":" in name)
    source = search.supernet.space.operations.index(
        search.supernet.space.operations[copied].split(":")[0]
    )
    (before, *slots), (after, *slots_then) = seen[0], seen[1, "begin"]
    half = before[0, source] - np.log(2.0)
    np.testing.assert_allclose(after[0, [source, copied]], half, rtol=1e-5)
    for old, new in zip(slots, slots_then, strict=True):
        # Both copies go on with the momentum of what they are copies of.
        np.testing.assert_array_equal(new[0, [*range(3), copied]], old[0, [*range(3), source]])
        np.testing.assert_array_equal(new[1], 0)
    original, copy = (
        search.supernet.cells[0].recurrent.cell.parameters[0][i].state_kernel.numpy()
        for i in (source, copied)
    )
    assert np.abs(original - copy).max() > 1e-3
    with monkeypatch.context() as patch:
        killed_at((growth.growing, "planned"), patch, call=2)
        with pytest.raises(Kill):
            fit(make(split), tmp_path, epochs=2)
    resumed = make(split)
    # The epoch whose end was lost is done again: here from the start.
    assert fit(resumed, tmp_path, epochs=2)["val_loss"] == history["val_loss"]
    assert_equal(everything(resumed), everything(search))


def alphas_and_slots(search):
    optimizer = search.architecture_optimizer
    return [v.numpy() for v in (search.supernet.architecture_variables[0], *optimizer._momentums)]


def test_a_search_ends_where_no_split_helps():
    keras.utils.set_random_seed(0)
    method = methods.get("growing-splits", "two_input_rnn")
    method = dataclasses.replace(method, rule=Growing(by=("split",), patience=1))
    supernet = method.make_supernet(chain(1, ("identity",)), (None,), WORDS, channels=3, cells=1)
    search = ArchitectureSearch(supernet, method, task="language_modeling")
    history = fit(search, epochs=9)
    assert history["grown"] == [0] * len(history["grown"]) and len(history["grown"]) < 9
    assert search.returned_to == 1 + int(np.argmin(history["val_loss"]))
    assert search.genotype()["recurrent"].nodes == ((("identity", 0),),)
