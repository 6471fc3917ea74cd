import collections

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.shared_weights import one_hot
from darts_tf.supernets.supernet import Supernet
from darts_tf.tuner import (
    CellHyperModel,
    RankedOracle,
    SupernetOracle,
    rank_by_supernet,
    sample_learned,
)

DRAWS = 4000


class TestSampleLearned:
    def test_every_edge_is_an_independent_draw(self):
        space = spaces.NAS_BENCH_201
        weights = np.random.default_rng(0).dirichlet(np.ones(5), size=6)
        counts = np.zeros((6, 5))
        draw = np.random.default_rng(1)
        for _ in range(DRAWS):
            genotype = sample_learned(space, {"normal": weights}, draw)
            for edge, (name, _) in enumerate(genotype["normal"].edges):
                counts[edge, space.operations.index(name)] += 1
        # Four standard deviations of a share.
        np.testing.assert_allclose(counts / DRAWS, weights, atol=4 * 0.5 / DRAWS**0.5)

    def test_pairs_of_edges_without_replacement(self, one_cell):
        """The second node keeps one of two edges: its draw is over edges and operations."""
        space = spaces.get(one_cell)
        weights = np.array([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0], [0.1, 0.3, 0.6]])
        draw = np.random.default_rng(1)
        found = collections.Counter(
            tuple(sample_learned(space, {"normal": weights}, draw)["normal"].nodes[1][0])
            for _ in range(DRAWS)
        )
        assert set(found) == {("skip_connect", 0), ("skip_connect", 1), ("nor_conv_1x1", 1)}
        shares = [found[x] / DRAWS for x in [("skip_connect", 0), ("nor_conv_1x1", 1)]]
        np.testing.assert_allclose(shares, [0.1, 0.6], atol=4 * 0.5 / DRAWS**0.5)

    def test_certain_weights_give_the_genotype(self):
        genotype = genotypes.sample(spaces.DARTS_CNN, 3)
        weights = one_hot(spaces.DARTS_CNN, genotype)
        assert sample_learned(spaces.DARTS_CNN, weights, np.random.default_rng(0)) == genotype


@pytest.fixture(scope="module")
def supernet(one_cell):
    keras.utils.set_random_seed(0)
    return Supernet(one_cell, (8, 8, 1), 10, channels=2, cells=1)


@pytest.fixture(scope="module")
def batches(digits):
    return tf.data.Dataset.from_tensor_slices(digits[2:]).batch(20)


def test_ranking(supernet, batches):
    ranking = rank_by_supernet(supernet, batches, samples=30)
    assert ranking == rank_by_supernet(supernet, batches, samples=30)
    accuracies = [candidate.accuracy for candidate in ranking]
    assert accuracies == sorted(accuracies, reverse=True) and accuracies[0] > accuracies[-1]
    # 2 x 4 architectures, all of them among the draws.
    assert len({candidate.genotype for candidate in ranking}) == len(ranking) == 8
    evaluation = SupernetEvaluation(supernet, batches)
    for genotype, accuracy in (ranking[0], ranking[-1]):
        rows = one_hot(supernet.space, genotype)
        assert evaluation.objective(rows) == pytest.approx(accuracy)


def test_trials_are_the_ranking(supernet, batches, one_cell, tmp_path):
    hypermodel = CellHyperModel(
        one_cell, (8, 8, 1), 10, channels=2, cells=1, learning_rate=(1e-3, 1e-1)
    )

    class Tuner(keras_tuner.Tuner):
        def run_trial(self, trial, *args, **kwargs):
            return {"val_accuracy": trial.hyperparameters.get("learning_rate")}

    objective = keras_tuner.Objective("val_accuracy", "max")
    for max_trials in (3, 20):  # The second tuner goes on with the first one's search.
        oracle = SupernetOracle(
            hypermodel, supernet, batches, samples=30, objective=objective, max_trials=max_trials
        )
        Tuner(oracle, hypermodel, directory=tmp_path).search(verbose=0)
    found = [hypermodel.genotype(oracle.trials[t].hyperparameters) for t in oracle.start_order]
    assert found == [candidate.genotype for candidate in oracle.ranking]
    assert len({trial.score for trial in oracle.trials.values()}) == 8


def test_given_architectures(one_cell, tmp_path):
    hypermodel = CellHyperModel(one_cell, (8, 8, 1), 10, channels=2, cells=1)
    drawn = (genotypes.sample(spaces.get(one_cell), seed) for seed in range(20))
    given = list(dict.fromkeys(drawn))[2::-1]
    assert len(given) == 3

    class Tuner(keras_tuner.Tuner):
        def run_trial(self, trial, *args, **kwargs):
            return {"val_accuracy": 0.5}

    oracle = RankedOracle(hypermodel, given)
    Tuner(oracle, hypermodel, directory=tmp_path).search(verbose=0)
    assert [hypermodel.genotype(oracle.trials[t].hyperparameters) for t in oracle.start_order] == (
        given
    )
    with pytest.raises(UserError, match="there are no genotypes"):
        RankedOracle(hypermodel, [])
    with pytest.raises(UserError, match="of the space 'one_cell', the hypermodel of 'darts_cnn'"):
        RankedOracle(CellHyperModel("darts_cnn", (8, 8, 1), 10), given)


def test_another_space(supernet, batches):
    hypermodel = CellHyperModel("nas_bench_201", (8, 8, 1), 10)
    with pytest.raises(UserError, match="of the space 'one_cell', the hypermodel of 'nas_bench"):
        SupernetOracle(hypermodel, supernet, batches)
