import dataclasses
import json

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.fine_tuning import FineTuning
from darts_tf.tuner import ArchitectureTuner


def make(space, directory, **options):
    settings = {
        "method": ("darts-v1", "gdas"),
        "search_epochs": 1,
        "channels": 2,
        "cells": 1,
        "architecture_learning_rate": (1e-3, 1e-1),
        "network_channels": 2,
        "network_cells": 1,
        "max_trials": 3,
    }
    return ArchitectureTuner(space, (8, 8, 1), 10, directory=directory, **settings | options)


class Count(keras.callbacks.Callback):
    """Writes each epoch's number and accuracy of validation to a file; copies write to the same."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        with open(self.path, "a") as file:
            file.write(f"{epoch} {logs['val_accuracy']} {logs['val_loss']}\n")


class Killed(keras.callbacks.Callback):
    """Stops the process in the second epoch of a search, and counts the epochs."""

    def __init__(self, epochs, stop):
        super().__init__()
        self.epochs = epochs
        self.stop = stop

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)
        if self.stop and epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_search_fail_stop_and_go_on(one_cell, digits, eagerly, tmp_path, monkeypatch, capsys):
    """The second of three trials fails, the third is killed; a second tuner goes on within it."""
    images, labels, *validation = digits
    fit, begun, searched = ArchitectureSearch.fit, [], []

    def sometimes(search, *args, **kwargs):
        begun.append(search.method.name)
        if len(begun) == 2:
            raise UserError("this trial shall fail")
        searched.append([])
        killed = Killed(searched[-1], stop=len(begun) == 3)
        callbacks = [*kwargs.pop("callbacks", ()), killed]
        return fit(search, *args, callbacks=callbacks, **kwargs)

    monkeypatch.setattr(ArchitectureSearch, "fit", sometimes)
    options = {"validation_data": validation, "epochs": 2, "batch_size": 15, "verbose": 0}
    counted = tmp_path / "epochs"
    with pytest.raises(KeyboardInterrupt):
        make(one_cell, tmp_path, search_epochs=2).search(
            images, labels, callbacks=[Count(counted)], **options
        )
    tuner = make(one_cell, tmp_path, search_epochs=2)
    logs = [keras.callbacks.TensorBoard(str(tmp_path / "logs"))]
    tuner.search(images, labels, callbacks=[Count(counted), *logs], **options)

    trials = [tuner.oracle.trials[str(i)] for i in range(3)]
    assert [trial.status for trial in trials] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert "this trial shall fail" in trials[1].message
    assert len(begun) == 4 and begun[2] == begun[3]
    assert searched == [[0, 1], [0, 1], [1]]
    lines = [line.split() for line in counted.read_text().splitlines()]
    assert [line[0] for line in lines] == ["0", "1"] * 2
    # The last epoch's validation is what the trial is scored by.
    assert [float(lines[i][1]) for i in (1, 3)] == pytest.approx([trials[0].score, trials[2].score])
    for trial in trials:
        assert 1e-3 <= trial.hyperparameters.get("architecture_learning_rate") <= 1e-1

    best = tuner.oracle.get_best_trials(1)[0]
    assert best.score == max(trials[0].score, trials[2].score)
    assert tuner.get_best_hyperparameters()[0].values == best.hyperparameters.values
    genotypes = tuner.get_best_genotypes(3)
    assert len(genotypes) == 2
    folder = tmp_path / "untitled_project" / f"trial_{best.trial_id}"
    assert genotypes[0] == Genotype.from_dict(json.loads((folder / "genotype.json").read_text()))
    assert not (folder / "checkpoints").exists()
    # The weights are those that were scored.
    network = tuner.get_best_models()[0]
    logits = network(validation[0]).numpy()
    assert best.score == pytest.approx(np.mean(logits.argmax(axis=1) == validation[1]))
    network.save(tmp_path / "network.keras")
    saved = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(saved(validation[0]), logits)
    # Keras loads no optimizer that has other variables.
    assert len(saved.optimizer.variables) == len(network.optimizer.variables)
    network.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(exported.serve(validation[0]), logits, atol=1e-5)
    written = {
        value.tag: tf.make_ndarray(value.tensor)
        for path in (tmp_path / "logs" / "2" / "execution0").glob("events*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert written["val_accuracy"] == pytest.approx(trials[2].score)
    assert "_hparams_/session_start_info" in written
    tuner.results_summary()
    assert f"Score: {best.score}" in capsys.readouterr().out


def test_nothing_to_show(one_cell, tmp_path, digits, monkeypatch):
    def out_of_luck(*args, **kwargs):
        raise UserError("out of luck")

    tuner = make(one_cell, tmp_path, max_trials=1)
    with pytest.raises(UserError, match="there is no such finished trial in"):
        tuner.get_best_genotypes()
    monkeypatch.setattr(ArchitectureSearch, "fit", out_of_luck)
    tuner.search(*digits[:2], validation_data=digits[2:], batch_size=15, verbose=0)
    with pytest.raises(UserError, match="trial 0 failed with .*FailedTrialError: out of luck"):
        tuner.get_best_models()


def test_searches_in_stages_and_with_training_between_decisions(
    one_cell, digits, eagerly, tmp_path, monkeypatch
):
    """A trial is the whole search, its fine-tuning included."""
    images, labels, *validation = digits
    genotype, seen = ArchitectureSearch.genotype, []

    def watched(search, *args):
        found = genotype(search, *args)
        seen.append((search.stage, len(trained)))
        return found

    tune, trained = FineTuning.__call__, []
    monkeypatch.setattr(
        FineTuning, "__call__", lambda self, net: (trained.append(net), tune(self, net))
    )
    monkeypatch.setattr(ArchitectureSearch, "genotype", watched)
    tuned = dataclasses.replace(methods.get("darts-pt"), name="tuned", fine_tune_epochs=1)
    options = {"max_trials": 1, "architecture_learning_rate": None}
    for method in (methods.get("p-darts"), tuned):
        tuner = make(one_cell, tmp_path / method.name, method=method, **options)
        tuner.search(images, labels, validation_data=validation, epochs=1, batch_size=15, verbose=0)
        (trial,) = tuner.oracle.trials.values()
        assert trial.status == "COMPLETED", trial.message
        assert len(tuner.get_best_genotypes()) == 1
    # The last of three stages; 3 edges and one of them too many are 4 decisions.
    assert seen[-1] == (0, 3) and (2, 0) in seen


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "te-nas"}, "'te-nas' trains no supernet"),
        ({"method": ("darts-v1", "te-nas")}, "'te-nas' trains no supernet"),
        ({"channels": ()}, r"channels is \(\); expected a value, or several"),
        ({"weight_learning_rate": (0.1, 0.01)}, "weight_learning_rate is .*; expected a number"),
        ({"architecture_learning_rate": 0.0}, "architecture_learning_rate is 0.0; expected"),
        (
            {"oracle": keras_tuner.oracles.RandomSearchOracle("val_loss")},
            r"expected objective=keras_tuner.Objective\('val_accuracy', 'max'\)",
        ),
    ],
)
def test_arguments(one_cell, tmp_path, wrong, message):
    with pytest.raises(UserError, match=message):
        make(one_cell, tmp_path, **wrong)


def test_too_few_images(one_cell, digits, tmp_path):
    with pytest.raises(UserError, match="hold no whole batch; give more images or a smaller"):
        make(one_cell, tmp_path).search(*digits[:2], validation_data=digits[2:], batch_size=64)


def test_no_validation_data(one_cell, digits, tmp_path):
    with pytest.raises(UserError, match="validation_data are missing; they score"):
        make(one_cell, tmp_path).search(*digits[:2])


def test_what_is_fixed_is_no_hyperparameter(one_cell, tmp_path):
    space = make(one_cell, tmp_path).oracle.get_space().space
    assert [parameter.name for parameter in space] == ["method", "architecture_learning_rate"]


def test_own_methods_and_an_own_space_are_taken(one_cell, tmp_path):
    own = dataclasses.replace(methods.get("darts-v1"), name="mine", nesterov=True)
    space = dataclasses.replace(spaces.get(one_cell), name="of_nobody")
    tuner = make(space, tmp_path, method=("darts-v1", own))
    choices = {x.name: x for x in tuner.oracle.get_space().space}
    assert choices["method"].values == ["darts-v1", "mine"]
    assert tuner.space is space and tuner._methods["mine"] is own
    with pytest.raises(UserError, match="expected methods with different names"):
        make(space, tmp_path, method=("mine", own, own)[1:])
