"""A run's settings, taken over from its folder."""

import json

import numpy as np
import pytest

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from train import evaluate, forecast_baselines, latency, run_data, search_setup
from train.evaluate import EvaluationConfig
from train.forecast_baselines import BaselinesConfig
from train.images import Images
from train.latency import LatencyConfig
from train.select import SelectConfig


def written(folder, **settings):
    settings = {"program": "search", "method": "darts-v1", **settings}
    (folder / "config.json").write_text(json.dumps(settings))
    return search_setup.of_run(SelectConfig(), folder)


def test_the_one_cell_of_a_text_is_no_setting(tmp_path):
    """--cells is from 3 on, and for images."""
    found = written(tmp_path, task="language_model", space="darts_rnn", cells=1, channels=8)
    assert (found.task, found.space, found.cells, found.channels) == (
        *("language_model", "darts_rnn", None, 8),
    )
    assert written(tmp_path, task="image_classification", cells=5).cells == 5


def test_images_have_no_network_of_one_cell(tmp_path):
    with pytest.raises(UserError, match="is damaged: cells is 1"):
        written(tmp_path, cells=1)


def run_of(folder, **settings):
    """The folder of a search with these settings."""
    (folder / "config.json").write_text(json.dumps({"program": "search", **settings}))
    return str(folder)


def given(kind, **settings):
    """A configuration of what a user gave."""
    return kind(given=frozenset(settings), **settings)


class TestDataOfARun:
    def test_images(self, tmp_path, capsys):
        run = run_of(
            tmp_path, dataset="photos/", image_size=32, flip=True, crop=False, train_examples=None,
            seed=5, channels=4, epochs=3,
        )  # fmt: skip
        found = run_data.of_run(given(EvaluationConfig, run_dir=run)).of_task()
        assert (found.dataset, found.image_size, found.flip, found.crop) == (
            *("photos/", 32, True, False),
        )
        # The network and its training are others than the search's.
        assert (found.seed, found.channels, found.epochs) == (0, None, 600)
        # Of the others, those that are not as by default.
        line = f"as in {run}: --dataset=photos/ --image_size=32 --flip --nocrop\n"
        assert capsys.readouterr().out == line

    def test_what_is_given_wins(self, tmp_path):
        run = run_of(tmp_path, dataset="photos/", image_size=32, train_examples=100)
        config = given(EvaluationConfig, run_dir=run, image_size=64, train_examples=None)
        found = run_data.of_run(config)
        assert (found.dataset, found.image_size, found.train_examples) == ("photos/", 64, None)

    def test_texts_and_series(self, tmp_path):
        run = run_of(
            tmp_path, task="language_model", dataset="book.txt", unit="words", bptt=5,
            cell_dropout=0.5,
        )  # fmt: skip
        found = run_data.of_run(given(EvaluationConfig, run_dir=run)).of_task()
        assert (found.task, found.dataset, found.unit) == ("language_model", "book.txt", "words")
        # Of the network; by default 20 epochs on texts.
        assert (found.bptt, found.cell_dropout, found.epochs) == (35, 0.0, 20)
        rates = {
            "window": 7,
            "horizon": 3,
            "columns": ["a", "b"],
            "portions": ["0.6", "0.2", "0.2"],
        }
        run = run_of(tmp_path, task="forecasting", dataset="rates.csv", **rates)
        for kind in (EvaluationConfig, BaselinesConfig):
            found = run_data.of_run(given(kind, run_dir=run))
            assert found.task == "forecasting" and found.dataset == "rates.csv"
            assert (found.window, found.horizon, found.columns) == (7, 3, ("a", "b"))
            assert found.portions == ("0.6", "0.2", "0.2")

    def test_a_table_of_latencies_is_of_the_same_networks(self, tmp_path, monkeypatch):
        run = run_of(tmp_path, dataset="digits", space="s2", channels=4, cells=5, image_size=16)
        seen = []
        monkeypatch.setattr(latency.data_flags, "load", lambda config: seen.append(config) or 1 / 0)
        with pytest.raises(ZeroDivisionError):
            latency.main(given(LatencyConfig, run_dir=run, output="table.json", cells=8))
        (found,) = seen
        assert (found.space, found.channels, found.cells, found.image_size) == ("s2", 4, 8, 16)

    BAD = {
        "no run": ({}, "holds no config.json; give a folder of train.search"),
        "task": ({"task": "language_model"}, "is of the task language_model, not forecasting"),
        "no task": ({"task": "chess"}, "is damaged: there is no task 'chess'"),
        "value": ({"task": "forecasting", "window": "x"}, "is damaged: window is 'x'"),
    }  # fmt: skip

    @pytest.mark.parametrize(("settings", "message"), BAD.values(), ids=BAD)
    def test_refused(self, tmp_path, settings, message):
        if settings:
            run_of(tmp_path, **settings)
        config = given(BaselinesConfig, run_dir=str(tmp_path), output_dir="out")
        with pytest.raises(UserError, match=message):
            forecast_baselines.main(config)

    def test_other_data_than_those_of_the_run(self, tmp_path):
        """The search's cell is the default, and its data are compared, unless others are named."""
        images = np.random.default_rng(0).integers(0, 255, (12, 5, 5, 1)).astype("uint8")
        path = tmp_path / "images.npz"
        np.savez(path, x_train=images, y_train=np.arange(12) % 2)
        run = run_of(tmp_path, dataset=str(path))
        settings = {"run_dir": run, "output_dir": str(tmp_path / "eval"), "cells": 3, "epochs": 1}
        with pytest.raises(UserError, match="has no genotype.json; give that of a search that"):
            evaluate.main(given(EvaluationConfig, **settings))
        genotypes.get("DARTS_V2").save(tmp_path / "genotype.json")
        _, data = Images.load(given(EvaluationConfig, dataset=str(path)))
        (tmp_path / "data.json").write_text(json.dumps(data.description(True)))
        np.savez(path, x_train=255 - images, y_train=np.arange(12) % 2)
        # A batch that is too large is refused later, where the data are the same.
        with pytest.raises(UserError, match=f"--run_dir={run} holds a run on other data"):
            evaluate.main(given(EvaluationConfig, **settings))
        with pytest.raises(UserError, match="batch size 96"):
            evaluate.main(given(EvaluationConfig, **settings, dataset=str(path)))
        np.savez(path, x_train=images, y_train=np.arange(12) % 2)
        with pytest.raises(UserError, match="batch size 96"):
            evaluate.main(given(EvaluationConfig, **settings))
