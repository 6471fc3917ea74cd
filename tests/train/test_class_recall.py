import numpy as np

from darts_tf import datasets
from darts_tf.networks.class_predictions import ClassPredictions
from train import class_recall
from train.data_flags import DataConfig
from train.images import Images

X = np.zeros((40, 8, 8, 1), np.uint8)


def data(test):
    arrays = datasets.from_arrays(X[:4], [0, 1, 2, 0], X[: len(test)], test, ["a", "b", "c"])
    return Images(DataConfig(), arrays)


def always_a(labels):
    """The predictions of a network that calls everything a."""
    labels, sure = np.array(labels), np.ones(len(labels))
    return ClassPredictions(labels, 0 * labels, sure, sure * (labels == 0), 3)


def test_unequal_classes(capsys):
    """An accuracy of 34/36 that finds nothing of b."""
    test = [0] * 34 + [1] * 2
    found = class_recall.report(always_a(test), data(test), asked=False)
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


def test_equal_classes(monkeypatch):
    monkeypatch.setattr(class_recall, "_UNEQUAL", 2)
    equal = data([0, 1, 2])
    assert class_recall.report(always_a([0, 1, 2]), equal, asked=False) == {}
    assert (
        class_recall.report(always_a([0, 1, 2]), equal, asked=True)["test_balanced_accuracy"]
        == 1 / 3
    )
