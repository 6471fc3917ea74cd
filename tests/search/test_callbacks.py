import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.search import callbacks


class Search:
    """A stand-in for a search, with what the callbacks ask of it."""

    def __init__(self):
        self.value = 0.0
        self.step_entropies = {"normal": [3.0, 2.0, 1.0], "reduce": [4.0, 4.0, 4.0]}
        self.supernet = type("Supernet", (), {"space": spaces.get("darts_cnn")})

    def operation_weights(self):
        self.value += 1.0
        return {name: np.full((14, 8), self.value) for name in ("normal", "reduce")}


def run(callback, epochs, start=0, logs=lambda epoch: {"loss": 1.0 / (epoch + 1)}):
    callback.set_params({"epochs": epochs})
    for epoch in range(start, epochs):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, logs(epoch))


class TestMetricsLog:
    def test_lines(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        log = callbacks.MetricsLog(path)
        run(log, 3, logs=lambda epoch: {"loss": np.float32(epoch + 0.5)})
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert records == log.records == callbacks.read_metrics(path)
        assert [(r["epoch"], r["loss"]) for r in records] == [(1, 0.5), (2, 1.5), (3, 2.5)]
        seconds = [r["seconds"] for r in records]
        assert seconds == sorted(seconds)

    def test_a_repeated_epoch_replaces_its_line(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        run(callbacks.MetricsLog(path), 3)
        again = callbacks.MetricsLog(path)
        run(again, 3, start=1, logs=lambda epoch: {"loss": 9.0})
        assert [r["loss"] for r in callbacks.read_metrics(path)] == [1.0, 9.0, 9.0]
        assert [r["epoch"] for r in again.records] == [1, 2, 3]

    def test_seconds_add_up_over_restarts(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        path.write_text('{"epoch": 1, "seconds": 100.0, "loss": 1.0}\n')
        run(callbacks.MetricsLog(path), 2, start=1)
        assert 100 <= callbacks.read_metrics(path)[1]["seconds"] < 101

    def test_entropy_by_step_of_a_search(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        run(callbacks.MetricsLog(path, Search()), 2)
        assert [r["entropy_by_step"] for r in callbacks.read_metrics(path)] == [
            {"normal": [3.0, 2.0, 1.0], "reduce": [4.0, 4.0, 4.0]}
        ] * 2

    def test_numbers_that_are_not_finite(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        values = [np.inf, 2.0, np.nan]
        run(callbacks.MetricsLog(path), 3, logs=lambda epoch: {"val_loss": values[epoch]})
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["val_loss"] for line in lines] == [None, 2.0, None]
        read = [record["val_loss"] for record in callbacks.read_metrics(path)]
        np.testing.assert_array_equal(read, [np.nan, 2.0, np.nan])

    def test_no_file(self, tmp_path):
        assert callbacks.read_metrics(tmp_path / "none.jsonl") == []


class TestOperationWeightsLog:
    def test_epochs_are_stacked(self, tmp_path):
        log = callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz")
        assert log.read() == {}
        run(log, 3)
        weights = log.read()
        assert {name: array.shape for name, array in weights.items()} == {
            "normal": (3, 14, 8),
            "reduce": (3, 14, 8),
        }
        np.testing.assert_array_equal(weights["normal"][:, 0, 0], [1, 2, 3])

    def test_a_resumed_search_goes_on(self, tmp_path):
        run(callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz"), 3)
        again = callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz")
        run(again, 4, start=2)
        np.testing.assert_array_equal(again.read()["reduce"][:, 0, 0], [1, 2, 1, 2])

    def test_epochs_of_a_damaged_file_are_nan(self, tmp_path):
        run(callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz"), 3)
        (tmp_path / "weights.npz").write_bytes(b"")
        again = callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz")
        assert again.read() == {}
        run(again, 4, start=3)
        expected = [np.nan, np.nan, np.nan, 1]
        np.testing.assert_array_equal(again.read()["reduce"][:, 0, 0], expected)

    def test_a_new_search_starts_anew(self, tmp_path):
        run(callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz"), 3)
        log = callbacks.OperationWeightsLog(Search(), tmp_path / "weights.npz")
        run(log, 1)
        assert log.read()["normal"].shape == (1, 14, 8)


def test_tensorboard(tmp_path):
    run(callbacks.TensorBoard(tmp_path, Search()), 2)
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    assert "loss" in tags and "normal/skip_connect" in tags and "reduce/none" in tags
    loss = [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in events.Tensors("loss")]
    assert loss == [(1, 1.0), (2, 0.5)]
    steps = events.Tensors("entropy_by_step/normal")
    found = [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in steps]
    assert found == [(1, 3.0), (2, 2.0), (3, 1.0), (4, 3.0), (5, 2.0), (6, 1.0)]


def test_tensorboard_on_a_full_disk(tmp_path, monkeypatch):
    callback = callbacks.TensorBoard(tmp_path)

    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "events; No space left on device")

    monkeypatch.setattr(callback._writer, "flush", full)
    with pytest.raises(UserError, match=f"cannot write {tmp_path}: No space left on device$"):
        callback.on_epoch_end(0, {"loss": 1.0})


def test_checkpoint_epochs(tmp_path):
    variable = keras.Variable(3.0)
    run(callbacks.CheckpointEpochs(Checkpoints(tmp_path, {"v": [variable]})), 2)
    assert Checkpoints(tmp_path, {"v": [keras.Variable(0.0)]}).restore() == (2, 0)


def test_a_log_of_before_has_the_names_of_now(tmp_path):
    old = {"epoch": 1, "seconds": 1.5, "loss": 2.0, "logits_loss": 1.5, "logits_accuracy": 0.5}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(old | {"val_logits_accuracy": None}) + "\n")
    (record,) = callbacks.read_metrics(tmp_path / "metrics.jsonl")
    assert np.isnan(record.pop("val_accuracy"))
    assert record == {"epoch": 1, "seconds": 1.5, "loss": 2.0, "logits_loss": 1.5, "accuracy": 0.5}
    # A training that goes on writes them all by one name.
    log = callbacks.MetricsLog(tmp_path / "metrics.jsonl")
    run(log, 2, start=1, logs=lambda epoch: {"accuracy": 0.75})
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["accuracy"] for line in lines] == [0.5, 0.75]
