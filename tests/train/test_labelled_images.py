"""Images with several labels each, and images with numbers, as the programs take them."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from darts_tf.common.errors import UserError
from darts_tf.export import arguments_of
from darts_tf.networks import label_results
from tests import forks, one_stage
from train import data_flags, evaluate, search
from train.data_flags import TaskConfig
from train.evaluate import EvaluationConfig
from train.search import DistributedSearchConfig
from train.tune import TuneConfig
from train.tune_flags import check as check_tune

COLUMNS = {"multi_label_classification": ("bright", "dark"), "image_regression": ("level",)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of which the table knows whether they are bright, which few are, and how much."""
    folder, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    lines = ["file,bright,dark,level"]
    for number in range(40):
        level = random.integers(0, 200)
        pixels = level + random.integers(0, 50, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{int(level > 150)},{int(level < 80)},{level}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


def load(folder, task, *words):
    columns = ",".join(COLUMNS[task])
    given = [f"--task={task}", f"--dataset={folder}", f"--label_columns={columns}", *words]
    return data_flags.load(TaskConfig.from_words(given))[1]


def test_several_labels(folder, capsys):
    data = load(folder, "multi_label_classification")
    line = capsys.readouterr().out
    assert line == f"data: {folder.name}, 32 training and 8 test images of 8x8x1, 2 labels\n"
    assert data.class_names is None and data.names == ("bright", "dark")
    task = data.task("multi_label_classification")
    assert (task.labels, task.positive_weights) == (2, None)
    halves = data.with_validation(0.5, 0)
    images, labels = next(data.stream(halves[1], 8, 0)(3).as_numpy_iterator())
    assert images.shape == (8, 8, 8, 1) and labels.shape == (8, 2)
    assert all(part.labels.sum(axis=0).min() > 0 for part in halves)


def test_labels_that_few_images_have(folder):
    data = load(folder, "multi_label_classification", "--class_weights=balanced")
    having = data.training.labels.sum(axis=0)
    task = data.task("multi_label_classification")
    assert task.positive_weights == tuple((32 - having) / having)
    assert label_results.positive_weights(np.array([[1, 0], [1, 0]])) == (1, 1)


def test_numbers(folder):
    data = load(folder, "image_regression")
    task = data.task("image_regression")
    levels = data.training.labels
    assert task.means == (levels.mean(),) and task.deviations == (levels.std(),)
    found = data.measure((data.test.labels - task.means) / task.deviations, task)
    assert found["test_numbers"]["level"]["r2"] == pytest.approx(1)


def test_results_by_label():
    labels = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]])
    logits = np.array([[2.0, -1, -1], [-1, -1, -1], [1, -1, 3]])
    found = label_results.of_labels(labels, logits, "abc")["test_labels"]
    assert found["a"] == {
        **{"examples": 2, "average_precision": (1 + 2 / 3) / 2},
        **{"precision": 0.5, "recall": 0.5, "f1": 0.5},
    }
    nothing = ("average_precision", "precision", "recall", "f1")
    assert found["b"] == {"examples": 0, **dict.fromkeys(nothing)}
    assert found["c"]["average_precision"] == 1


@pytest.mark.parametrize(
    ("task", "flag"),
    [
        ("multi_label_classification", "sampling"),
        ("image_regression", "class_weights"),
        ("image_regression", "sampling"),
        ("image_classification", "label_columns"),
    ],
)
def test_settings_of_other_tasks(folder, task, flag):
    given = TaskConfig(task=task, dataset=str(folder), given=frozenset({flag}))
    with pytest.raises(UserError, match=f"^--{flag} has no meaning for the task {task}$"):
        data_flags.load(given)


def test_a_tuner_of_networks_ranks_by_accuracy():
    config = TuneConfig(task="image_regression", tuner="random", output_dir="x")
    with pytest.raises(UserError, match="ranks networks by their accuracy, which --task=image_reg"):
        check_tune(config)


SIZE = {"channels": 2, "cells": 3, "batch_size": 8, "epochs": 1}


def run(folder, output) -> None:
    # A few steps take less time than tracing them.
    tf.config.run_functions_eagerly(True)
    data = {
        task: {"task": task, "dataset": str(folder), "label_columns": columns}
        for task, columns in COLUMNS.items()
    }
    options = {"space": one_stage.SPACE, "method": "darts-v1", "eigenvalue_every": 0}
    numbers, labels = data["image_regression"], data["multi_label_classification"]
    size = {**SIZE, "cells": 1}
    search.main(
        DistributedSearchConfig(output_dir=f"{output}/search", **numbers, **size, **options)
    )
    cell, place = "random:0", f"{output}/training"
    evaluate.main(
        EvaluationConfig(genotype=cell, output_dir=place, auxiliary=False, **labels, **SIZE)
    )


@pytest.mark.slow
def test_a_search_and_a_training(folder, tmp_path):
    process = forks.start(run, folder, tmp_path, log=tmp_path / "log")
    process.join()
    log = (tmp_path / "log").read_text()
    assert process.exitcode == 0, log
    found = json.loads((tmp_path / "search" / "result.json").read_text())
    assert found["supernet_validation_r2"] <= 1 and found["network"]["parameters"] > 0
    task = load(folder, "image_regression").task("image_regression")
    description = json.loads((tmp_path / "search" / "data.json").read_text())
    assert description["means"] == list(task.means)
    result = json.loads((tmp_path / "training" / "result.json").read_text())
    precisions = [one["average_precision"] for one in result["test_labels"].values()]
    # What Keras measured in batches.
    assert result["test_mean_average_precision"] == pytest.approx(np.mean(precisions), abs=1e-6)
    assert f"test mean average precision {np.mean(precisions):.4f} on 8 images" in log
    assert arguments_of(tmp_path / "training")["task"].labels == 2
    report = (tmp_path / "training" / "report.html").read_text()
    assert "By label" in report and "average precision" in report
