import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

from darts_tf import genotypes
from darts_tf.costs import counted
from tests.train.programs import assert_refused, start_all
from train import data_flags, tune
from train import trials as trial_data
from train.tune_flags import TuneConfig

TINY = ["--train_examples=60", "--space=nas_bench_201", "--channels=2", "--cells=3", "--epochs=1"]
RANDOM = [*TINY, "--batch_size=20", "--tuner=random", "--learning_rate=0.001,0.1", "--trials=1"]
REFUSED = {
    "output_dir": ([], "--output_dir is missing; give the folder"),
    "tuner": (["--tuner=evolution"], "--tuner=evolution: value should be one of <architecture|"),
    "method": (["--method=darts"], "'darts'"),
    "te-nas": (["--method=te-nas"], "'te-nas' trains no supernet"),
    "counts": (["--search_cells=8,a"], "--search_cells=8,a: expected a whole number above 0, or"),
    "rates": (
        ["--architecture_learning_rate=0.1,0.01"],
        "--architecture_learning_rate=0.1,0.01: expected a number above 0, or the least and the",
    ),
    "portion": (["--validation_portion=1"], "expected a number between 0 and 1"),
    "sizes": (["--channels=8,16"], "--channels=8,16: --tuner=architecture takes one size of its"),
    "space": (["--task=forecasting", "--space=darts_cnn"], "'darts_cnn' has convolutional cells"),
    "cells": (
        ["--task=forecasting", "--search_cells=3"],
        "--search_cells has no meaning for the t",
    ),
    "tuner of images": (
        ["--task=language_model", "--tuner=random"],
        "--tuner=random compares networks for images; for --task=language_model give --tuner=arch",
    ),
    "data of texts": (["--bptt=5"], "--bptt has no meaning for the task image_classification"),
    "of stock": (["--learning_rate=0.1"], "--learning_rate has no meaning for --tuner=architect"),
    "of search": (
        ["--tuner=grid", "--search_epochs=3"],
        "--search_epochs has no meaning for --tuner=grid; leave it out",
    ),
    "hyperband": (
        ["--tuner=hyperband", "--trials=3"],
        "--trials has no meaning for --tuner=hyperband; leave it out",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tune")


@pytest.fixture(scope="module")
def done(folder):
    """A tuner, started again, and all that is refused."""
    random = [*RANDOM, f"--output_dir={folder / 'random'}"]
    cases = {
        "random": random,
        "again": random,
        "other": [*random, "--epochs=2"],
    }
    for name, (given, _) in REFUSED.items():
        output = [f"--output_dir={folder / 'refused'}"] if given else []
        cases[name] = [*given, *output]
    return start_all("train.tune", cases, eagerly=True)


def _json(path: pathlib.Path):
    return json.loads(path.read_text())


@pytest.mark.slow
class TestRun:
    def test_what_it_writes(self, done, folder):
        assert done["random"].returncode == 0, done["random"].stderr
        run = folder / "random"
        trials, result = _json(run / "trials.json"), _json(run / "result.json")
        [trial] = trials
        assert trial["status"] == "COMPLETED" and trial["val_accuracy"] == result["val_accuracy"]
        assert (result["trials"], result["best_trial"], result["test_examples"]) == (1, "0", 359)
        found = genotypes.get(str(run / "genotype.json"))
        assert found.space == "nas_bench_201"
        network = result["network"]
        assert (network["channels"], network["cells"]) == (2, 3)
        assert 1e-3 <= trial["hyperparameters"]["learning_rate"] <= 0.1
        names = {path.name for path in run.iterdir()}
        assert {"model.keras", "cell_normal.svg", "data.json", "flags.txt", "tuner"} <= names

    def test_hyperparameters_and_scores_are_in_tensorboard(self, done, folder):
        import tensorflow as tf
        from tensorboard.plugins.hparams import plugin_data_pb2

        started, scalars = {}, set()
        trial = folder / "random" / "tensorboard" / "0" / "execution0"
        for path in trial.rglob("events*"):
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                for value in event.summary.value:
                    scalars.add(value.tag)
                    data = value.metadata.plugin_data
                    if data.plugin_name == "hparams" and "start" in value.tag:
                        message = plugin_data_pb2.HParamsPluginData.FromString(data.content)
                        started = dict(message.session_start_info.hparams)
        [chosen] = [t for t in _json(folder / "random" / "trials.json") if t["trial"] == "0"]
        for name, value in chosen["hyperparameters"].items():
            kept = started[name]
            assert value in (kept.string_value, pytest.approx(kept.number_value))
        assert "epoch_accuracy" in scalars

    def test_a_second_start(self, done):
        assert "this tuner is finished" in done["again"].stdout
        assert_refused(done["other"], "other settings: epochs was 1 and is now 2, and trials of")

    def test_one_more_trial(self, done, folder):
        """A finished tuner goes on where it ended; what it had found is kept."""
        run = folder / "longer"
        shutil.copytree(folder / "random", run)
        more = [*RANDOM, f"--output_dir={run}", "--trials=2"]
        done = start_all("train.tune", {"more": more}, eagerly=True)
        assert done["more"].returncode == 0, done["more"].stderr
        first, trials = _json(folder / "random" / "trials.json"), _json(run / "trials.json")
        assert len(trials) == 2 and first[0] in trials
        assert _json(run / "result.json")["trials"] == 2
        assert _json(run / "result_1_trials.json") == _json(folder / "random" / "result.json")


@pytest.mark.parametrize("case", REFUSED)
def test_refused(done, folder, case):
    assert_refused(done[case], REFUSED[case][1])


def _series(path):
    rows = [f"{100 + np.sin(i)},{50 + np.cos(i)}" for i in range(60)]
    path.write_text("\n".join(["a,b", *rows]) + "\n")
    return ["--task=forecasting", "--window=4"]


def _text(path):
    path.write_text("".join("abcde"[(i + i // 7) % 5] for i in range(240)))
    return ["--task=language_model", "--bptt=8"]


@pytest.mark.parametrize("write", [_series, _text])
def test_recurrent_cells(eagerly, tmp_path, capsys, write):
    """Searched on the training part; ranked by the validation part, as the network says."""
    data = tmp_path / "data.csv"
    sizes = {"search_channels": 2, "channels": 3, "search_epochs": 1, "epochs": 1, "batch_size": 9}
    words = [f"--{name}={value}" for name, value in sizes.items()]
    words += [*write(data), f"--dataset={data}", "--trials=1"]
    run = tmp_path / "run"
    config = TuneConfig.from_words([*words, f"--output_dir={run}"])
    tune.main(config)
    trials, result = _json(run / "trials.json"), _json(run / "result.json")
    loaded_config, loaded = data_flags.load(config.of_task())
    kind = trial_data.get(loaded_config, loaded)
    objective = kind.task.objective
    (score,) = (trial[f"val_{objective.name}"] for trial in trials)
    network = keras.saving.load_model(run / "model.keras")
    networks = kind.networks()
    validated = networks.validate(network, None)[objective.name]
    assert validated == pytest.approx(result[f"val_{objective.name}"], rel=1e-6) == score
    assert kind.test(network)[objective.name] == pytest.approx(result[f"test_{objective.name}"])
    genotype = genotypes.get(str(run / "genotype.json"))
    assert genotype.space == "darts_rnn"
    assert counted.parameters(networks.build(genotype)) == counted.parameters(network)
    assert result["network"]["parameters"] == counted.parameters(network)
    assert f"test {objective.name.replace('_', ' ')}" in capsys.readouterr().out
    tune.main(config)
    assert "this tuner is finished" in capsys.readouterr().out
