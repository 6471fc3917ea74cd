import errno
import hashlib

import keras
import keras_tuner
import numpy as np
import pytest

from darts_tf import tuner
from darts_tf.common.errors import UserError

TRIALS = 5


def hyperparameters():
    hp = keras_tuner.HyperParameters()
    for name in "ab":
        hp.Choice(name, ["x", "y", "z"])
    with hp.conditional_scope("a", ["x"]):
        hp.Choice("c", [1, 2])
    return hp


def oracle(kind):
    options = {
        "objective": keras_tuner.Objective("val_accuracy", "max"),
        "hyperparameters": hyperparameters(),
        "seed": 7,
    }
    if kind == "hyperband":
        return keras_tuner.oracles.HyperbandOracle(max_epochs=3, **options)
    options["max_trials"] = TRIALS
    if kind == "bayesian":
        return tuner.BayesianOptimizationOracle(num_initial_points=3, **options)
    if kind == "grid":
        return tuner.GridSearchOracle(**options)
    return keras_tuner.oracles.RandomSearchOracle(**options)


class Killed(BaseException):
    pass


def search(kind, directory, monkeypatch, kill=None):
    """Runs a tuner, killed after it has written its `kill`-th file, if that is not None."""
    writes = []

    class Tuner(tuner.ResumableTuner):
        def run_trial(self, trial, *args, **kwargs):
            # Scores with equals, of which the first should win.
            text = str(sorted(trial.hyperparameters.values.items()))
            return {"val_accuracy": hashlib.sha256(text.encode()).digest()[0] % 4 / 4}

    def killing(write):
        def killed(*args):
            write(*args)
            writes.append(None)
            if len(writes) == kill:
                raise Killed

        return killed

    found = Tuner(oracle(kind), directory=directory, project_name="tuner")
    monkeypatch.setattr(found.oracle, "save", killing(found.oracle.save))
    monkeypatch.setattr(found.oracle, "_save_trial", killing(found.oracle._save_trial))
    found.search(verbose=0)
    best = found.oracle.get_best_trials(len(found.oracle.trials))
    return [(t.trial_id, t.score, t.hyperparameters.values) for t in best], len(writes)


# The Gaussian process of a small space may end at a bound of its length scale.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("kind", "every"), [("random", 2), ("grid", 1), ("bayesian", 5), ("hyperband", 1)]
)
def test_killed_after_any_file(kind, every, tmp_path, monkeypatch):
    """Wherever it is killed, it ends with the trials, in the order, of one that was not."""
    expected, writes = search(kind, tmp_path / "whole", monkeypatch)
    assert len(expected) == (TRIALS if kind != "hyperband" else len(expected)) and writes > 12
    assert len({score for _, score, _ in expected}) < len(expected)
    for kill in range(writes, 0, -every):
        with pytest.raises(Killed):
            search(kind, tmp_path / str(kill), monkeypatch, kill)
        assert search(kind, tmp_path / str(kill), monkeypatch)[0] == expected, kill


def test_initial_weights_depend_on_the_trial_alone(tmp_path, monkeypatch):
    drawn = {}

    class Tuner(tuner.ResumableTuner):
        def _build_and_fit_model(self, trial, *args, **kwargs):
            drawn.setdefault(trial.trial_id, []).append(
                np.asarray(keras.random.uniform((2,), seed=keras.random.SeedGenerator())).tolist()
            )
            if stop and trial.trial_id == "2":
                raise Killed
            return {"val_accuracy": 0.5}

    for stop in (True, False):
        found = Tuner(oracle("random"), directory=tmp_path, project_name="tuner")
        if stop:
            with pytest.raises(Killed):
                found.search(verbose=0)
        else:
            found.search(verbose=0)
    assert len(drawn["2"]) == 2 and drawn["2"][0] == drawn["2"][1]
    assert len({tuple(values[0]) for values in drawn.values()}) == TRIALS


def test_hyperband_trains_by_its_own_epochs(tmp_path):
    seen = []

    class Tuner(tuner.ResumableHyperband):
        def _build_and_fit_model(self, trial, *args, **kwargs):
            seen.append((kwargs["initial_epoch"], kwargs["epochs"]))
            return {"val_accuracy": len(seen) / 100}

    Tuner(oracle("hyperband"), directory=tmp_path, project_name="tuner").search(verbose=0)
    # Two brackets (Li et al. 2018, algorithm 1, R = 3, eta = 3): 1 epoch, the best go on to 3.
    assert seen == [(0, 1)] * 3 + [(1, 3)] + [(0, 3)] * 2


FULL = "No space left on device"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, FULL, "weights.h5"), f"cannot write weights.h5: {FULL}"),
        (RuntimeError(f"h5: write failed ({FULL})"), f"cannot write a file: {FULL}"),
        (UserError(f"cannot write genotype.json: {FULL}"), f"cannot write genotype.json: {FULL}"),
    ],
)
def test_a_full_disk_is_no_failed_trial(error, message, tmp_path):
    """It ends the tuning, which goes on with that very trial when there is room."""
    full = True

    class Tuner(tuner.ResumableTuner):
        def _build_and_fit_model(self, trial, *args, **kwargs):
            if full and trial.trial_id == "1":
                raise error
            return {"val_accuracy": 0.5}

    def make():
        return Tuner(oracle("random"), directory=tmp_path, project_name="tuner")

    with pytest.raises(UserError) as raised:
        make().search(verbose=0)
    assert str(raised.value) == message
    full, found = False, make()
    found.search(verbose=0)
    assert [t.status for t in found.oracle.trials.values()] == ["COMPLETED"] * TRIALS
