"""Trials of a task of one's own, ranked by its objective."""

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Metric, Task
from darts_tf.tuner import ArchitectureTuner, CellHyperModel, SearchData, rank_by_supernet


class Brightness(Task):
    """Regression of two numbers."""

    def losses(self, targets, outputs):
        return tf.reduce_sum((outputs - targets) ** 2, -1)

    def metrics(self):
        def error(targets, outputs):
            return tf.reduce_mean(tf.abs(outputs - targets), -1)

        return (Metric.mean("error", error, larger_is_better=False),)


def batches(epoch, count=2):
    draw = np.random.default_rng(epoch)
    images = draw.normal(size=(count * 8, 8, 8, 1)).astype("float32")
    targets = np.stack([images.mean((1, 2, 3)), images.max((1, 2, 3))], -1)
    return tf.data.Dataset.from_tensor_slices((images, targets)).batch(8)


def make(space, directory, **options):
    settings = {"search_epochs": 1, "channels": 2, "cells": 1}
    settings |= {"network_channels": 2, "network_cells": 1, "max_trials": 2}
    return ArchitectureTuner(
        space, (8, 8, 1), 2, task=Brightness(), directory=directory, **settings | options
    )


def test_trials_are_ranked_by_the_objective(one_cell, eagerly, tmp_path):
    tuner = make(one_cell, tmp_path, architecture_learning_rate=(1e-3, 1e-1))
    data = SearchData((batches, batches), batches, batches(9), task=Brightness())
    tuner.search(data, epochs=1, verbose=0)
    scores = [trial.score for trial in tuner.oracle.trials.values()]
    best, worst = tuner.oracle.get_best_trials(2)
    assert (best.score, worst.score) == (min(scores), max(scores))
    network = tuner.get_best_models()[0]
    errors = [abs(network(x, training=False) - y) for x, y in batches(9)]
    assert best.score == pytest.approx(np.mean(errors), rel=1e-5)
    assert set(best.metrics.metrics) == {"val_error", "val_loss", "supernet_val_error"}


def test_what_does_not_fit(one_cell, tmp_path):
    tuner = make(one_cell, tmp_path)
    with pytest.raises(UserError, match="'Brightness' are not cut by labels .* a darts_tf.tuner.S"):
        tuner.search(batches(0), validation_data=batches(1))
    oracle = keras_tuner.oracles.RandomSearchOracle("val_accuracy", 1)
    with pytest.raises(UserError, match=r"keras_tuner.Objective\('val_error', 'min'\)"):
        make(one_cell, tmp_path, oracle=oracle)


def test_discrete_tuners(one_cell, eagerly, tmp_path):
    hypermodel = CellHyperModel(one_cell, (8, 8, 1), 2, channels=2, cells=1, task=Brightness())
    objective = keras_tuner.Objective("val_error", "min")
    tuner = keras_tuner.RandomSearch(hypermodel, objective, max_trials=1, directory=tmp_path)
    tuner.search(batches(0), validation_data=batches(9), epochs=1, verbose=0)
    assert 0 < tuner.oracle.get_best_trials()[0].score < 10


def test_the_supernet_ranks_by_the_objective(one_cell, eagerly):
    keras.utils.set_random_seed(0)
    supernet = Supernet(one_cell, (8, 8, 1), 2, channels=2, cells=1)
    found = rank_by_supernet(supernet, batches(0), samples=10, task=Brightness())
    errors = [one.objective for one in found]
    assert len(errors) > 1 and errors == sorted(errors)
