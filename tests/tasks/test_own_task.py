"""A task is added by one file: the one of the documentation searches, trains and is tested."""

import dataclasses
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import tasks
from darts_tf.networks import training
from darts_tf.networks.network import build_network
from darts_tf.search import record
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet

ROOT = pathlib.Path(__file__).parents[2]
LABELS = 3


@pytest.fixture
def added(monkeypatch):
    """The name of the task that the documentation adds, as it adds it."""
    monkeypatch.setattr(tasks._TASKS, "_entries", dict(tasks._TASKS))
    before = set(tasks.names())
    text = (ROOT / "docs" / "adding_a_task.md").read_text()
    code = compile(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], "multi_label.py", "exec")
    # Twice, as a cell of a notebook may be run.
    for _ in range(2):
        exec(code, {"__name__": "multi_label"})
    (name,) = set(tasks.names()) - before
    return name


def batches(epoch, count=4):
    """Images 4x4; label i says whether channel i is bright, and every fifth is unknown."""
    draw = np.random.default_rng(epoch)
    images = draw.normal(size=(count * 8, 4, 4, LABELS)).astype("float32")
    labels = (images.mean(axis=(1, 2)) > 0).astype("int32")
    labels.flat[::5] = -1
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)


def expected(model, data):
    """Mean loss and share of right labels of those that are known, by NumPy."""
    losses, right = [], []
    for images, labels in data.as_numpy_iterator():
        logits, known = model(images, training=False).numpy(), labels >= 0
        losses.extend((np.log1p(np.exp(logits)) - labels * logits)[known])
        right.extend(((logits > 0) == (labels > 0))[known])
    return np.mean(losses), np.mean(right)


def test_from_the_search_to_the_trained_network(added, eagerly, one_edge_space, tmp_path):
    keras.utils.set_random_seed(0)
    supernet = Supernet(one_edge_space, (4, 4, LABELS), LABELS, channels=4, cells=3)
    search = ArchitectureSearch(supernet, "darts-v2", task=added)
    history = search.fit(batches, batches, 3, verbose=0, checkpoint_dir=tmp_path).history
    assert {"loss", "right", "val_loss", "val_right", "architecture_loss"} < set(history)
    assert "accuracy" not in history and np.isfinite(history["loss"]).all()
    loss, right = expected(supernet, batches(2))
    assert history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert history["val_right"][-1] == pytest.approx(right, rel=1e-6)
    best = search.best
    assert best.value == max(history["val_right"]) and f"val_{best.objective}" == "val_right"
    assert record.Best.from_dict(best.to_dict()) == best

    # A selection that evaluates architectures goes by the task too.
    genotype = search.genotype(batches(2), "perturbation")
    network = build_network(genotype, (4, 4, LABELS), LABELS, channels=4, cells=3)
    recipe = training.Recipe(epochs=3, drop_path=0.0, learning_rate=0.1)
    trained = training.train_network(
        network, batches, recipe, validation=batches(9), task=added
    ).history
    tested = training.test_network(network, batches(9), task=added)
    loss, right = expected(network, batches(9))
    assert tested == pytest.approx({"loss": loss, "right": right}, rel=1e-5)
    assert trained["loss"][-1] < trained["loss"][0]


def test_a_run_names_its_task(added, one_edge_space):
    supernet = Supernet(one_edge_space, (4, 4, LABELS), LABELS, channels=2, cells=3)
    method = ArchitectureSearch(supernet, task=added).method
    assert record.settings(supernet, method, tasks.get(added))["task"] == added
    # A task without a name is told by its type, and images are what they were.
    own = type("Own", (type(tasks.get(added)),), {})()
    assert record.settings(supernet, method, own)["task"] == "Own"
    images = record.settings(supernet, method, tasks.get())
    assert images == record.settings(supernet, method)


def test_the_objective_may_fall(added, eagerly, one_edge_space):
    """Ranked by a metric of which less is better, the best epoch has the least."""

    class Wrong(type(tasks.get(added))):
        def metrics(self):
            (metric,) = super().metrics()
            name = "wrong"

            def wrong(targets, outputs):
                return tf.not_equal(targets > 0, outputs > 0)

            made = tasks.Metric.mean(name, wrong, larger_is_better=False)
            return made, dataclasses.replace(metric)

    keras.utils.set_random_seed(1)
    supernet = Supernet(one_edge_space, (4, 4, LABELS), LABELS, channels=2, cells=3)
    search = ArchitectureSearch(supernet, task=Wrong())
    history = search.fit(batches, batches, 3, verbose=0).history
    assert search.best.value == min(history["val_wrong"])
    np.testing.assert_allclose(np.add(history["wrong"], history["right"]), 1, rtol=1e-6)
