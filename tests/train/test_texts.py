"""Texts as the programs take them."""

import dataclasses
import json
import math

import numpy as np
import pytest

from darts_tf import datasets, macros, methods
from darts_tf.common.errors import UserError
from darts_tf.datasets import text_data
from darts_tf.networks.language_model import build_language_model
from tests import forks
from tests.train import bad_texts
from train import data_flags, evaluate, export, search, search_setup
from train.data_flags import TaskConfig
from train.evaluate import EvaluationConfig
from train.search import DistributedSearchConfig
from train.text_training import TextTraining
from train.texts import EMBEDDED, Texts

TOKENS = (np.arange(100) % 5).astype("int32")


def texts(unit="characters", **settings):
    data = datasets.TextData("five", unit, tuple("abcde"), TOKENS, TOKENS[:20], TOKENS[:30])
    return Texts(TaskConfig(bptt=4, **settings), data)


def test_the_task_decides_the_defaults():
    config = TaskConfig(task="language_model")
    assert config.of_task().dataset == EMBEDDED
    given = TaskConfig(task="language_model", dataset="x.txt", given=frozenset({"dataset"}))
    assert given.of_task().dataset == "x.txt"
    assert TaskConfig().of_task().dataset == "digits"
    of_search = DistributedSearchConfig(task="language_model").of_task()
    assert (of_search.space, of_search.size()) == ("darts_rnn", (64, 1))
    assert EvaluationConfig().of_task().learning_rate == 0.025


@pytest.mark.parametrize(
    "unit, measure", [("characters", "bits_per_character"), ("words", "perplexity")]
)
def test_the_unit_decides_the_measure(unit, measure):
    assert texts(unit).task("language_model").objective.name == measure


def test_parts_are_in_order():
    data = texts()
    assert (data.input_shape, data.num_classes, data.size(data.test)) == ((None,), 5, 30)
    first, second = data.split(data.training, 0.9, seed=7)
    np.testing.assert_array_equal(first.tokens, TOKENS[:90])
    np.testing.assert_array_equal(second.tokens, TOKENS[90:])


def test_batches_are_windows():
    data = texts()
    stream = data.stream(data.training, 5, seed=3)
    windows = [stream(epoch) for epoch in (0, 0, 1)]
    lengths = [[w[0].shape[1] for w in each] for each in windows]
    assert lengths[0] == lengths[1] and sum(lengths[0]) == sum(lengths[2]) == 19
    inputs, targets = next(windows[0].as_numpy_iterator())
    np.testing.assert_array_equal((inputs + 1) % 5, targets)
    counted = sum(weights.sum() for *_, weights in data.in_order(data.test, 4).as_numpy_iterator())
    assert counted == 29


def test_a_part_that_is_too_short_is_named():
    data = texts()
    part = data.split(data.training, 0.9, seed=0)[1]
    with pytest.raises(UserError, match="^the last 10% of the training text, --batch_size=8: "):
        data.stream(part, 8, seed=0)(0)


def test_the_dropout_is_that_of_the_settings():
    macro = texts(cell_dropout=0.5, slowness=0.1).macro("darts_rnn")
    assert isinstance(macro, macros.LanguageNetwork)
    assert macro.cell_arguments == {"dropout": 0.5, "recurrent_dropout": 0.0}
    with pytest.raises(UserError, match="darts_cnn"):
        texts().macro("darts_cnn")


def test_a_shorter_training_text_knows_the_same_characters(tmp_path):
    path = tmp_path / "fox.txt"
    bad_texts.write_good(path)
    config = TaskConfig(task="language_model", dataset=str(path))
    whole = data_flags.load(config)[1]
    config = TaskConfig(task="language_model", dataset=str(path), train_examples=10)
    config, short = data_flags.load(config)
    assert short.size(short.training) == 10 and short.num_classes == whole.num_classes
    assert config.unit == "characters"
    difference = whole.difference(whole.description(False), short.description(False))
    assert "the train text had 2,268 characters and has now 10" in difference


@pytest.mark.parametrize(
    "cell", [pytest.param("lstm", marks=pytest.mark.thorough), "gru", "RNN_DARTS_V2"]
)
def test_units_for_a_number_of_weights(cell):
    config = EvaluationConfig(task="language_model", genotype=cell, parameters=3000, batch_size=2)
    training = TextTraining(config, texts())
    near, below, above = (
        abs(training._count(training.decisive()["channels"] + change) - 3000)
        for change in (0, -1, 1)
    )
    assert near <= min(below, above)


RUNS = {
    "search": (search.main, DistributedSearchConfig, {"epochs": 1}),
    "evaluate": (evaluate.main, EvaluationConfig, {"genotype": "gru", "epochs": 1}),
}


@pytest.mark.parametrize("program", RUNS)
def test_bad_texts(program, tmp_path):
    main, config, settings = RUNS[program]
    for name, (dataset, reason) in bad_texts.write_bad(tmp_path).items():
        settings |= {"task": "language_model", "output_dir": str(tmp_path / "run")}
        with pytest.raises(UserError) as caught:
            main(config(dataset=dataset, given=frozenset({"dataset"}), **settings))
        assert reason in str(caught.value), name
        assert not (tmp_path / "run").exists(), name


@pytest.mark.parametrize(
    "program, given, reason",
    [
        ("search", {"flip": True}, "--flip has no meaning for the task language_model"),
        ("search", {"cells": 4}, "--cells has no meaning"),
        ("search", {"cost": "flops"}, "--cost has no meaning"),
        ("search", {"method": "random"}, "give one with a supernet that is trained"),
        ("search", {"method": "te-nas"}, "give one with a supernet that is trained"),
        ("search", {"batch_size": "auto"}, "needs a number"),
        ("search", {"space": "darts_cnn"}, "darts_cnn"),
        ("search", {"cell_dropout": 1.0}, "--cell_dropout=1.0"),
        ("search", {"train_examples": 1}, "--train_examples=1"),
        ("evaluate", {"genotype": "DARTS_V2"}, "a language model is made of recurrent"),
        ("evaluate", {"genotype": "rnn"}, "lstm or gru"),
        ("evaluate", {"drop_path": 0.1}, "--drop_path has no meaning"),
        ("evaluate", {"stem": "imagenet"}, "--stem has no meaning"),
        ("evaluate", {"clip_norm": 0.0}, "--clip_norm=0.0"),
        ("evaluate", {"parameters": 10, "channels": 4}, "leave one of them out"),
        ("search", {"space": "darts_rnn", "task": "image_classification"}, "darts_rnn"),
        ("evaluate", {"task": "image_classification", "patience": 3}, "--patience has no meaning"),
        (
            "evaluate",
            {"task": "image_classification", "genotype": "DARTS_V2", "bptt": 3},
            "--bptt has no meaning",
        ),
    ],
)
def test_settings_that_have_no_meaning(program, given, reason, tmp_path):
    main, config, settings = RUNS[program]
    path = tmp_path / "fox.txt"
    bad_texts.write_good(path)
    where = {"dataset": str(path), "output_dir": str(tmp_path / "run")}
    if given.get("task"):
        where["dataset"] = "digits"
    settings = {"task": "language_model", **settings, **where, "epochs": 1, **given}
    with pytest.raises(UserError) as caught:
        main(config(given=frozenset({*given, "dataset"}), **settings))
    assert reason in str(caught.value)
    assert not (tmp_path / "run").exists()


SMALL = {"task": "language_model", "channels": 4, "batch_size": 4, "bptt": 8}


def run(folder) -> None:
    where = {"dataset": f"{folder}/fox.txt", "given": frozenset({*SMALL, "dataset", "epochs"})}
    search.main(
        DistributedSearchConfig(
            output_dir=f"{folder}/search",
            **{**SMALL, **where, "method": "darts-v1", "eigenvalue_every": 0, "epochs": 2},
        )
    )
    cells = {"whole": 3, "again": 2}, {"again": 3}
    for name, epochs in [item for each in cells for item in each.items()]:
        evaluate.main(
            EvaluationConfig(
                genotype=f"{folder}/search/genotype.json",
                output_dir=f"{folder}/{name}",
                **{**SMALL, **where, "epochs": epochs},
            )
        )


@pytest.fixture
def trained(tmp_path):
    """The folder that `train.evaluate` leaves of a network that was not trained."""
    folder, data = tmp_path / "run", texts().text
    folder.mkdir()
    build_language_model("gru", 5, 3).save(folder / "model.keras")
    description = data.description()
    (folder / "data.json").write_text(json.dumps(description))
    (folder / "config.json").write_text(json.dumps({"task": "language_model"}))
    result = {"data_sha256": text_data.digest(description)}
    (folder / "result.json").write_text(json.dumps(result))
    return folder


def test_an_export(trained, tmp_path, capsys):
    config = export.ExportConfig(run_dir=str(trained), output_dir=str(tmp_path / "model"))
    export.main(config)
    assert (tmp_path / "model" / "1" / "assets" / "text.json").exists()
    assert "largest difference of a probability" in capsys.readouterr().out


def test_an_export_of_another_text(trained, tmp_path):
    data = json.loads((trained / "data.json").read_text())
    data["vocabulary"][0] = "z"
    (trained / "data.json").write_text(json.dumps(data))
    config = export.ExportConfig(run_dir=str(trained), output_dir=str(tmp_path / "model"))
    with pytest.raises(UserError, match="is not the one of the training"):
        export.main(config)
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_a_search_and_trainings(tmp_path):
    bad_texts.write_good(tmp_path / "fox.txt")
    process = forks.start(run, tmp_path, log=tmp_path / "log")
    process.join()
    assert process.exitcode == 0, (tmp_path / "log").read_text()
    found, whole, again = (
        json.loads((tmp_path / name / "result.json").read_text())
        for name in ("search", "whole", "again")
    )
    assert found["best_supernet_validation_bits_per_character"] < math.log2(27)
    assert whole["test_bits_per_character"] < math.log2(27)
    # A training that has become longer ends where one of that length does.
    assert again["test_loss"] == whole["test_loss"]
    assert len((tmp_path / "whole" / "sample.txt").read_text()) == 20 + 500 + 1
    files = {path.name for path in (tmp_path / "search").iterdir()}
    assert {"cell_recurrent.svg", "history.png", "operation_weights.png"} <= files


def test_the_command_line_knows_recurrent_spaces():
    words = ["--task=language_model", "--space=darts_rnn"]
    config = DistributedSearchConfig.from_words(words)
    assert config.space == "darts_rnn" and "space" in config.given


def test_a_supernet_of_texts_has_cells_of_the_plain_space(tmp_path):
    config = DistributedSearchConfig(task="language_model", dataset="x", channels=4).of_task()
    config = dataclasses.replace(config, channels=4, cell_dropout=0.5)
    data = Texts(config, texts().text)
    found = search_setup.make(config, data, methods.get("darts-v1", "darts_rnn"))
    assert found.supernet.macro.cell_arguments["dropout"] == 0.5
    found.genotype().save(tmp_path / "genotype.json")
    assert json.loads((tmp_path / "genotype.json").read_text())["space"] == "darts_rnn"
