import copy
import dataclasses
import json
import math
import pathlib
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from darts_tf import methods
from darts_tf.genotypes import decidedness
from darts_tf.methods import paper_rate
from darts_tf.methods.method import Method
from darts_tf.methods.paper_rate import PaperRate
from darts_tf.search import record
from darts_tf.search.architecture_search import ArchitectureSearch

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
# Epochs, batch size and rate of the papers or their authors' code; half of CIFAR-10 trains.
PAPERS = {
    "p-darts": (25, 96, 6e-4),
    "pc-darts": (50, 256, 6e-4),
    "tetlo-pc": (50, 256, 6e-4),
    "gdas": (250, 256, 3e-4),
    "snas": (150, 64, 3e-4),
    "drnas": (100, 64, 3e-4),
    "fair-darts": (50, 128, 3e-3),
}
WITH_ALPHAS = [m.name for m in methods.METHODS.values() if m.trains and m.name != "random-ws"]


def rate(method, epochs, steps):
    return method.at_length(epochs, steps).architecture_learning_rate


@pytest.mark.parametrize("name", WITH_ALPHAS)
def test_a_search_of_the_papers_length_has_the_papers_rate(name):
    epochs, batch, paper = PAPERS.get(name, (50, 64, 3e-4))
    method, steps = methods.get(name), 25_000 // batch
    assert rate(method, epochs, steps) == paper == method.architecture_learning_rate
    assert rate(method, 2 * epochs, steps) == paper
    # A fifth of the epochs; where there is a warm-up a fifth of it too.
    assert rate(method, epochs // 5, steps) == pytest.approx(min(5 * paper, 0.03), rel=1e-12)
    assert rate(method, 1, 1) == 0.03


def test_alphas_get_as_far_in_fewer_steps():
    darts = PaperRate(3e-4, steps=19_500)
    for steps in (195, 1_000, 19_499):
        assert darts.for_steps(steps) * steps == pytest.approx(5.85)
    assert darts.for_steps(194) == paper_rate.LARGEST == 0.03
    assert PaperRate(0.1, steps=100).for_steps(10) == 0.1
    assert darts.for_steps(0) == 3e-4


def test_the_closed_forms_behind_the_limits():
    """Steps of a random sign: the standard deviation of the difference of two alphas."""
    assert 3e-4 * math.sqrt(2 * 19_500) == pytest.approx(decidedness.CLOSE, rel=0.02)
    # What one step can do to the ratio of two weights.
    assert math.exp(2 * paper_rate.LARGEST) - 1 == pytest.approx(decidedness.CLOSE, rel=0.04)


def test_a_rate_that_is_given_wins():
    darts = methods.get("darts-v1")
    given = dataclasses.replace(darts, architecture_learning_rate=3e-4)
    assert rate(given, 1, 1) == 3e-4
    assert rate(Method("own", "first_order", "mine", architecture_learning_rate=0.2), 1, 1) == 0.2
    assert rate(Method("own", "first_order", "mine"), 1, 1) == 0.03
    assert type(darts.architecture_learning_rate * 2) is float


def test_copies_are_the_same_and_checkpoints_hold_the_number():
    found = methods.get("gdas").architecture_learning_rate
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert isinstance(other, PaperRate) and other == found and other.steps == found.steps
    assert json.dumps(dataclasses.asdict(methods.get("gdas"))["architecture_learning_rate"]) == (
        "0.0003"
    )


def test_the_rates_of_published_results_are_given():
    files = ["digits_search", "cifar10_small_search", "collapse_search", "unbiased_search"]
    for name in (*files, "nas_bench_201/supernet"):
        assert "\n--architecture_learning_rate=" in (CONFIGS / f"{name}.flags").read_text(), name


@pytest.mark.parametrize(
    ("given", "steps", "used", "text"),
    [
        (0.01, 75, 0.01, "0.01, as given"),
        (PaperRate(3e-4, 19_500), 20_000, 3e-4, "0.0003; the paper's 0.0003 is for 19,500 steps"),
        (PaperRate(3e-4, 19_500), 975, 6e-3, "0.006, larger by as much as the steps are fewer; "),
        (PaperRate(3e-4, 19_500), 75, 0.03, "0.03, the largest; the paper's 0.0003 is for 19,500"),
        (PaperRate(3e-4, 19_500), 75, 3e-4, "0.0003, as the checkpoint has it that"),
    ],
)
def test_the_rate_is_said_with_its_reason(given, steps, used, text):
    said = paper_rate.describe(float(np.float32(used)), given, steps)
    assert said.startswith(f"learning rate of the architecture: {text}")


def batches(epoch):
    rng = np.random.default_rng(epoch)
    images = rng.normal(size=(4, 4, 4, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices((images, rng.integers(0, 2, 4))).batch(2)


def search(space, rate=None):
    method = methods.get("darts-v1")
    if rate is not None:
        method = dataclasses.replace(method, architecture_learning_rate=rate)
    keras.utils.set_random_seed(0)
    supernet = method.make_supernet(space, (4, 4, 1), 2, channels=2, cells=3)
    return ArchitectureSearch(supernet, method)


def test_a_search_uses_it_and_a_checkpoint_keeps_its_own(
    one_edge_space, eagerly, tmp_path, monkeypatch
):
    said = []
    monkeypatch.setattr(logging, "info", lambda text, *args: said.append(text % args))
    # As an earlier version wrote them: with the paper's rate, whatever the number of steps.
    before = search(one_edge_space, rate=3e-4)
    before.fit(batches, batches, 1, verbose=0, checkpoint_dir=tmp_path / "before")
    assert float(before.architecture_optimizer.learning_rate) == np.float32(3e-4)
    after = search(one_edge_space)
    notes = record.settings(after.supernet, after.method)
    assert notes == record.settings(before.supernet, before.method)
    after.fit(batches, batches, 1, verbose=0, checkpoint_dir=tmp_path / "before")
    assert float(after.architecture_optimizer.learning_rate) == np.float32(3e-4)

    new = search(one_edge_space)
    new.fit(batches, batches, 1, verbose=0)
    assert float(new.architecture_optimizer.learning_rate) == np.float32(0.03)
    assert new.method.architecture_learning_rate == 3e-4
    rates = [line for line in said if line.startswith("learning rate of the architecture: ")]
    assert [line.split(": ")[1].split(";")[0] for line in rates] == [
        "0.0003, as given",
        "0.0003, as the checkpoint has it that the search goes on from",
        "0.03, the largest",
    ]
