"""Series as the programs take them."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import macros
from darts_tf.common.errors import UserError
from darts_tf.datasets import series_data
from train import evaluate, export, forecast_baselines, search
from train.data_flags import TaskConfig
from train.evaluate import EvaluationConfig
from train.export import ExportConfig
from train.forecast_baselines import BaselinesConfig
from train.search import DistributedSearchConfig
from train.series import Series

#: The page of a training shows its forecasts.
DRAWS = True


def write(path, count=60):
    lines = [f"{100 + np.sin(i)},{50 + np.cos(i)}" for i in range(count)]
    path.write_text("\n".join(["a,b", *lines]) + "\n")
    return str(path)


def words(path, **settings):
    settings = {"task": "forecasting", "dataset": path, "window": 4, **settings}
    return [f"--{name}={value}" for name, value in settings.items()]


def test_the_task_decides_the_defaults():
    config = DistributedSearchConfig(task="forecasting").of_task()
    assert (config.dataset, config.space, config.train_portion) == ("goog", "darts_rnn", 0.75)
    settings = macros.ForecastingNetwork.search_settings
    assert config.make_method().weight_learning_rate == settings.weight_learning_rate
    of_training = EvaluationConfig(task="forecasting").of_task()
    assert (of_training.learning_rate, of_training.patience) == (1e-3, 20)
    assert EvaluationConfig().of_task().learning_rate == 0.025


def test_a_search_divides_by_time(tmp_path):
    config = TaskConfig.from_words(words(write(tmp_path / "x.csv"), horizon=2, columns="b"))
    _, data = Series.load(config)
    assert (data.input_shape, data.num_classes, data.examples) == ((4, 1), 1, "rows")
    assert data.split(data.training, 0.75, 0) == (range(5, 36), range(36, 48))
    assert data.split(data.training, 0.75, 0)[0] == data.series.train
    assert (data.test, data.size(data.test)) == (range(48, 60), 12)
    with pytest.raises(UserError, match="leaves one part of x without any"):
        data.split(data.training, 0.01, 0)


def test_from_the_search_to_the_test(tmp_path, capsys):
    path = write(tmp_path / "x.csv")
    run, trained = tmp_path / "run", tmp_path / "trained"
    own = {"epochs": 1, "batch_size": 8, "channels": 3}
    of_search = words(path, **own, method="darts-v1", output_dir=run)
    search.main(DistributedSearchConfig.from_words(of_search))
    genotype = run / "genotype.json"
    found = json.loads((run / "result.json").read_text())
    assert {"supernet_validation_rse", "best_supernet_validation_rse"} <= set(found)
    of_training = words(path, **own, genotype=genotype, output_dir=trained)
    evaluate.main(EvaluationConfig.from_words(of_training))
    result = json.loads((trained / "result.json").read_text())
    assert result["parameters"] == found["network"]["parameters"]
    ratio = result["test_rse"] / result["last_value"]["rse"]
    assert result["relative_to_last_value"]["rse"] == pytest.approx(ratio)
    assert result["test_examples"] == 12 and (trained / "forecasts.png").exists()
    page = (trained / "report.html").read_text()
    for said in ("Forecasts and what came", "test rse", "Recurrent cell", "No baseline yet"):
        assert said in page
    network = keras.saving.load_model(trained / "model.keras")
    assert network(np.full([1, 4, 2], 100.0, np.float32)).shape == (1, 2)
    exported = tmp_path / "exported"
    export.main(ExportConfig(run_dir=str(trained), output_dir=str(exported)))
    windows = tf.constant(np.random.default_rng(0).uniform(40, 110, [3, 4, 2]), tf.float32)
    served = tf.saved_model.load(str(exported / "1")).signatures["serving_default"]
    found = served(window=windows)["forecast"]
    np.testing.assert_allclose(found, network(windows), rtol=1e-5)
    capsys.readouterr()
    evaluate.main(EvaluationConfig.from_words(of_training))
    assert f"test rse {result['test_rse']:.4f}" in capsys.readouterr().out
    with open(path, "a") as file:
        file.write("100,50\n")
    with pytest.raises(UserError, match="the test part of the series had 12 rows and has now 13"):
        evaluate.main(EvaluationConfig.from_words(of_training))


def test_a_table_of_baselines(tmp_path, capsys):
    given = words(write(tmp_path / "x.csv"), genotype="RNN_DARTS_V2", output_dir=tmp_path / "out")
    given = [word for word in given if not word.startswith("--task")]
    config = BaselinesConfig.from_words(given)
    config = dataclasses.replace(config, epochs=1, batch_size=8, channels=3, period=6)
    forecast_baselines.main(config)
    written = json.loads((tmp_path / "out" / "baselines.json").read_text())
    rows = written["forecasts"]
    by_name = {row["name"]: row for row in rows}
    assert {"last value", "seasonal, 6 rows", "lstm", "gru", "cell of darts_rnn"} <= set(by_name)
    sizes = [by_name[name]["parameters"] for name in ("cell of darts_rnn", "lstm", "gru")]
    # A unit more or less is a fifth of such small networks.
    assert max(sizes) < 1.3 * min(sizes)
    assert by_name["last value"]["relative_to_last_value"]["rse"] == 1
    # The sine's period is 2 pi: 6 rows back is nearer than 1.
    assert by_name["seasonal, 6 rows"]["relative_to_last_value"]["rse"] < 0.4
    assert "last value" in capsys.readouterr().out
    compared = json.loads((tmp_path / "out" / "comparison.json").read_text())
    kept = {"name": "lstm", "kind": "baseline", "value": by_name["lstm"]["rse"], "seeds": 1}
    (lstm,) = [row for row in compared["rows"] if row["name"] == "lstm"]
    assert kept.items() <= lstm.items() and lstm["parameters"] == by_name["lstm"]["parameters"]
    # A published cell is no find.
    assert {row["kind"] for row in compared["rows"]} == {"baseline"}
    values = [row["value"] for row in compared["rows"]]
    assert values == sorted(values) and len(values) == len(rows)
    # As a training on the same data says it.
    assert compared["data_sha256"] == series_data.digest(written["series"])
    assert "cell of darts_rnn" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": "darts_cnn"}, "the space 'darts_cnn' has convolutional cells"),
        ({"method": "random"}, "--method=random compares networks for images"),
        ({"flip": "true"}, "--flip has no meaning for the task forecasting"),
        ({"unit": "words"}, "--unit has no meaning for the task forecasting"),
        ({"portions": "a,b,c"}, "--portions=a,b,c: expected three numbers"),
        ({"portions": "0.5,0.5"}, "expected three numbers"),
        ({"cell_dropout": 1}, "--cell_dropout=1.0: expected a number from 0 to below 1"),
        ({"window": 40}, "the training part of x has 36 of 60 rows"),
        ({"columns": "c"}, "has no column 'c'"),
        ({"batch_size": 32}, "a batch of 32 examples of a part that has 12"),
    ],
)
def test_what_has_no_meaning(tmp_path, settings, message):
    path = write(tmp_path / "x.csv")
    given = words(path, **{"output_dir": tmp_path / "run", **settings})
    with pytest.raises(UserError, match=message):
        search.main(DistributedSearchConfig.from_words(given))
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"genotype": "DARTS_V2"}, "a network of forecasts is made of recurrent or two_input ones"),
        ({"genotype": "elman"}, "or lstm or gru"),
        ({"clip_norm": 0}, "--clip_norm=0.0: expected a number above 0"),
        ({"parameters": 99, "channels": 3}, "--parameters chooses --channels"),
        ({"cells": 3}, "--cells has no meaning for the task forecasting"),
    ],
)
def test_what_cannot_be_trained(tmp_path, settings, message):
    given = {"genotype": "lstm", "output_dir": tmp_path / "run", **settings}
    with pytest.raises(UserError, match=message):
        evaluate.main(EvaluationConfig.from_words(words(write(tmp_path / "x.csv"), **given)))
