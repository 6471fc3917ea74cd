import numpy as np
import pytest

from darts_tf import datasets
from train import class_recall
from train.data_flags import DataConfig
from train.images import Images

X = np.zeros((40, 8, 8, 1), np.uint8)


def data(test):
    arrays = datasets.from_arrays(X[:4], [0, 1, 2, 0], X[: len(test)], test, ["a", "b", "c"])
    return Images(DataConfig(), arrays)


@pytest.fixture
def always_a(monkeypatch):
    """A network that calls everything a."""

    def right(network, batches, classes):
        labels = np.concatenate([labels for _, labels in batches])
        return np.array([np.sum(labels == 0), 0, 0])

    monkeypatch.setattr(class_recall, "recall_by_class", right)


def test_unequal_classes(always_a, capsys):
    """An accuracy of 34/36 that finds nothing of b."""
    found = class_recall.report(None, data([0] * 34 + [1] * 2), asked=False)
    assert found == {
        "test_recall": {"a": 1.0, "b": 0.0, "c": None},
        "test_balanced_accuracy": 0.5,
    }
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "recall by class (mean 0.5000):",
        "  b: 0.0000 (0 of 2)",
        "  a: 1.0000 (34 of 34)",
    ]


def test_equal_classes(always_a, monkeypatch):
    monkeypatch.setattr(class_recall, "_UNEQUAL", 2)
    equal = data([0, 1, 2])
    assert class_recall.report(None, equal, asked=False) == {}
    assert class_recall.report(None, equal, asked=True)["test_balanced_accuracy"] == 1 / 3
