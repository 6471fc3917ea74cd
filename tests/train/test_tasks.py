"""--task decides the data, the loss and what networks are ranked by."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces, tasks
from darts_tf.common.errors import UserError
from tests import forks
from tests.train.programs import assert_refused, start_all
from train import data_flags, evaluate, search
from train.data_flags import SOURCES, TaskConfig
from train.evaluate import EvaluationConfig
from train.search import DistributedSearchConfig
from train.task_data import TaskData


class Sum(tasks.Task):
    """Regression: the sum of all pixels."""

    name = "sum"

    def losses(self, targets, outputs):
        return tf.square(targets - outputs[:, 0])

    def metrics(self):
        error = keras.metrics.MeanMetricWrapper
        return (tasks.Metric("error", lambda **o: error(_error, **o), larger_is_better=False),)


def _error(targets, outputs):
    return tf.abs(targets - outputs[:, 0])


class Pixels(TaskData):
    """Drawn images and the sums of their pixels."""

    flags = ("image_size",)
    name, num_classes = "pixels", 2

    def __init__(self, config):
        size = config.image_size
        self.input_shape = (size, size, 1)
        images = np.random.default_rng(config.seed).normal(size=(48, size, size, 1))
        sums = images.sum(axis=(1, 2, 3))
        self.training, self.test = ((images[a:b], sums[a:b]) for a, b in ((0, 32), (32, 48)))

    @classmethod
    def load(cls, config):
        return config, cls(config)

    def split(self, part, share, seed):
        first = int(share * len(part[0]))
        return tuple(tuple(x[a:b] for x in part) for a, b in ((0, first), (first, None)))

    def size(self, part):
        return len(part[1])

    def stream(self, part, batch_size, seed):
        return lambda epoch: self.in_order(part, batch_size)

    def in_order(self, part, batch_size=None):
        arrays = tuple(x.astype("float32") for x in part)
        batches = tf.data.Dataset.from_tensor_slices(arrays)
        return batches.batch(batch_size or len(part[1]), drop_remainder=True)

    def description(self, trains):
        return {"sum": float(self.training[1].sum()), "fingerprint": None}

    def difference(self, before, now):
        return None if before == now else "the sum"

    def read_description(self, path):
        return json.loads(path.read_text())

    def training_line(self):
        return None


@pytest.fixture
def own(monkeypatch):
    _register(monkeypatch.setattr)


def _register(setattr):
    for registry, part in ((SOURCES, Pixels), (tasks._TASKS, Sum())):
        setattr(registry, "_entries", {**registry, "sum": part})


def test_the_task_decides_the_data_and_their_settings(own):
    config = TaskConfig(task="sum", image_size=8, given=frozenset({"task", "image_size"}))
    same, data = data_flags.load(config)
    assert same is config and isinstance(data, Pixels) and data.input_shape == (8, 8, 1)
    assert config.decisive() == {"task": "sum", "dataset": "digits", "image_size": 8, "seed": 0}


@pytest.mark.parametrize("flag", ["flip", "crop", "data_dir"])
def test_settings_of_other_data(own, flag):
    given = TaskConfig(task="sum", image_size=8, given=frozenset({flag}))
    with pytest.raises(UserError, match=f"^--{flag} has no meaning for the task sum$"):
        data_flags.load(given)


def test_images_have_all_settings_of_before():
    config = TaskConfig()
    data_config = {name: getattr(config, name) for name in config.decisive()}
    assert config.decisive() == data_config
    assert list(data_config) == [
        *("task", "dataset", "data_dir", "train_examples", "image_size", "flip", "crop"),
        *("augment", "image_feature", "label_feature"),
        # Folders of before there were weights and balanced batches go on without them.
        *("class_weights", "sampling", "cache_dir", "max_bad_images", "stem", "seed"),
    ]


SIZE = {"task": "sum", "image_size": 8, "channels": 2, "cells": 3, "batch_size": 8}


def run(folder) -> None:
    # Eight steps take less time than tracing them.
    tf.config.run_functions_eagerly(True)
    _register(setattr)
    # The least that has two types of cell.
    space = spaces.Space("least", ("none", "skip_connect", "nor_conv_1x1"), nodes=1)
    spaces.register(space)
    settings = {"space": "least", "method": "darts-v1", "epochs": 2, "eigenvalue_every": 0}
    search.main(DistributedSearchConfig(output_dir=f"{folder}/search", **SIZE, **settings))
    evaluate.main(
        EvaluationConfig(
            genotype=f"{folder}/search/genotype.json",
            output_dir=f"{folder}/evaluation",
            **SIZE,
            epochs=1,
            auxiliary=False,
        )
    )


@pytest.mark.slow
def test_a_search_and_a_training(tmp_path):
    process = forks.start(run, tmp_path, log=tmp_path / "log")
    process.join()
    log = (tmp_path / "log").read_text()
    assert process.exitcode == 0, log
    result = json.loads((tmp_path / "search" / "result.json").read_text())
    lines = (tmp_path / "search" / "metrics.jsonl").read_text().splitlines()
    errors = [json.loads(line)["val_error"] for line in lines]
    assert result["best_supernet_validation_error"] == min(errors)
    assert result["supernet_validation_error"] == errors[-1]
    assert json.loads((tmp_path / "search" / "config.json").read_text())["task"] == "sum"
    tested = json.loads((tmp_path / "evaluation" / "result.json").read_text())
    assert f"test error {tested['test_error']:.4f} on 16 " in log
    assert tested["test_loss"] >= tested["test_error"] ** 2


_WITHOUT = {
    "latency": "--task: latencies are those of operations on images;",
    "forecast_baselines": "--task: what is compared are forecasts of a series;",
    "export": "--task: it is that of the network in --run_dir",
    "serve": "--task: it is that of the network in --model_dir",
    "verify": "--task: this program has nothing to do with one",
}


@pytest.mark.parametrize("program", _WITHOUT)
def test_programs_without_a_task_say_why(program):
    done = start_all(f"train.{program}", {"task": ["--task=language_model"]})["task"]
    assert_refused(done, _WITHOUT[program])
