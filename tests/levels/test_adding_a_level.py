"""A level is added by one file; the one of the documentation learns what it should."""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import METHODS, levels, methods
from darts_tf.search.architecture_search import ArchitectureSearch

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def added(monkeypatch):
    """The name of the method that the documentation adds, as it adds it."""
    for registry in (METHODS, levels._LEVELS):
        monkeypatch.setattr(registry, "_entries", dict(registry))
    before = set(METHODS)
    text = (ROOT / "docs" / "adding_a_level.md").read_text()
    code = compile(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], "own.py", "exec")
    exec(code, {"__name__": "own"})
    (name,) = set(METHODS) - before
    return name


def batches(part):
    """The training images of the class 1 are noise, and there are none of them to validate."""
    draw = np.random.default_rng(part)
    labels = np.arange(16) % 2 if part == 0 else np.zeros(16, int)
    images = draw.normal(size=(16, 4, 4, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)


def test_it_learns_which_class_counts(added, eagerly, one_stage_space):
    keras.utils.set_random_seed(0)
    method = methods.get(added)
    assert method.order == ("class_weights", "architecture", "weights")
    supernet = method.make_supernet(one_stage_space, (4, 4, 1), 2, channels=2, cells=1)
    search = ArchitectureSearch(supernet, method)
    history = search.fit(batches(0), batches(1), 3, verbose=0).history
    assert np.isfinite(history["class_weights_loss"]).all()
    (weights,) = search.checkpointed()["class_weights"]
    first, second = weights.numpy()
    # Their softmax does not change with both, so the gradients of the two are opposite.
    assert first > 0 and second == pytest.approx(-first, rel=1e-3)
    assert "class_weights_optimizer" in search.checkpointed()
