import keras_tuner
import numpy as np
import pytest
import threadpoolctl
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from darts_tf.tuner import BayesianOptimizationOracle
from darts_tf.tuner.bayesian_oracle import UncheckedRegressor


@pytest.mark.parametrize("fitted", [True, False])
def test_predicts_as_scikit_learn(fitted):
    draw = np.random.default_rng(0)
    settings = {"kernel": Matern(nu=2.5), "alpha": 1e-4, "normalize_y": True}
    theirs, ours = GaussianProcessRegressor(**settings), UncheckedRegressor(**settings)
    if fitted:
        x = draw.uniform(size=(30, 6))
        for process in (theirs, ours):
            process.fit(x, 80 + 5 * x.sum(axis=1))
    points = np.vstack([draw.uniform(size=(20, 6)), x[:2] if fitted else np.ones((1, 6))])
    expected = theirs.predict(points, return_std=True)
    np.testing.assert_allclose(ours.predict(points, return_std=True), expected, rtol=1e-9)
    np.testing.assert_allclose(ours.predict(points), expected[0], rtol=1e-12)


def blas_threads():
    pools = threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}


def test_proposes_with_one_thread(monkeypatch):
    seen = []
    monkeypatch.setattr(
        keras_tuner.oracles.BayesianOptimizationOracle,
        "populate_space",
        lambda self, trial_id: seen.append((trial_id, blas_threads())),
    )
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        BayesianOptimizationOracle(objective="val_accuracy", max_trials=1).populate_space("7")
        assert (seen, blas_threads()) == ([("7", {1})], {2})


def test_proposes_what_keras_tuner_does(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.Choice("operation", ["none", "skip", "conv", "pool"])

    class Known(keras_tuner.Tuner):
        def run_trial(self, trial, **kwargs):
            return {"score": len(trial.hyperparameters.get("operation"))}

    proposed = []
    for kind in (keras_tuner.oracles.BayesianOptimizationOracle, BayesianOptimizationOracle):
        oracle = kind(
            objective=keras_tuner.Objective("score", "max"),
            max_trials=5,
            seed=3,
            hyperparameters=hp,
        )
        Known(oracle, directory=tmp_path / kind.__module__).search(verbose=0)
        assert isinstance(oracle.gpr, UncheckedRegressor) == (kind is BayesianOptimizationOracle)
        trials = [oracle.trials[trial] for trial in oracle.start_order]
        proposed.append([trial.hyperparameters.get("operation") for trial in trials])
    assert proposed[0] == proposed[1] and len(proposed[0]) == 5
