import json
import re

import keras
import keras_tuner
import numpy as np
import pytest

from darts_tf import genotypes, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Genotype, nas_bench_201, published
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.tuner import CellHyperModel, start_with
from tests.nas_bench import every_cell

PUBLISHED = [
    name
    for name, entry in published.GENOTYPES.items()
    if entry.genotype.space == "darts_cnn" and name != "SNAS_AGGRESSIVE"
]


def in_order(genotype):
    """The same genotype with the edges of every node ordered by source."""
    cells = {
        name: CellGenotype(
            [sorted(node, key=lambda e: e.source) for node in cell.nodes], cell.concat
        )
        for name, cell in genotype.cells.items()
    }
    return Genotype(genotype.space, cells)


def round_trip(hypermodel, genotype):
    hp = hypermodel.hyperparameters(genotype)
    hp = keras_tuner.HyperParameters.from_config(hp.get_config())
    return hypermodel.genotype(hp)


def test_validations_see_measured_statistics(eagerly):
    normalization = BatchNormalization()
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(normalization(inputs)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(0.5, 0.1, (32, 4)).astype("float32")
    y = np.arange(32) % 2
    history = CellHyperModel("nas_bench_201", (8, 8, 1), 10).fit(
        None, model, x, y, validation_data=(x, y), batch_size=32, epochs=1, verbose=0
    )
    # After one step of momentum 0.9 they would be 0.05 and 0.9.
    np.testing.assert_allclose(normalization.moving_mean, x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(normalization.moving_variance, x.var(0, ddof=1), rtol=1e-4)
    loss = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(history.history["val_loss"], [loss], rtol=1e-5)


class TestRoundTrip:
    @pytest.mark.parametrize("name", PUBLISHED)
    def test_published(self, name):
        genotype = genotypes.get(name)
        assert round_trip(CellHyperModel("darts_cnn", (8, 8, 1), 10), genotype) == in_order(
            genotype
        )

    @pytest.mark.parametrize("space", spaces.names())
    def test_random_ones_of_every_space(self, space):
        hypermodel = CellHyperModel(space, (8, 8, 1), 10)
        for seed in range(20):
            genotype = genotypes.sample(spaces.get(space), seed)
            assert round_trip(hypermodel, genotype) == genotype

    def test_nas_bench_201(self):
        hypermodel = CellHyperModel("nas_bench_201", (8, 8, 1), 10)
        seen = set()
        for string in list(every_cell.all_strings())[::250]:
            genotype = nas_bench_201.from_string(string)
            values = hypermodel.values(genotype)
            assert tuple(values.values()) == nas_bench_201.operations_of(genotype)
            assert nas_bench_201.to_string(round_trip(hypermodel, genotype)) == string
            seen.add(tuple(values.items()))
        assert len(seen) == 63
        assert len(hypermodel.hyperparameters().space) == 6


class TestHyperparameters:
    def test_an_operation_is_active_only_on_a_kept_edge(self):
        hypermodel = CellHyperModel("darts_cnn", (8, 8, 1), 10)
        hp = hypermodel.hyperparameters(genotypes.get("DARTS_V2"))
        assert hp.get("normal/node_5/inputs") == "0,2"
        assert hp.get("normal/node_5/operation_from_2") == "dil_conv_3x3"
        assert not hp.is_active("normal/node_5/operation_from_1")
        # 3 + 6 + 10 pairs of inputs and 14 edges a cell type; the first node has one pair.
        assert len(hp.space) == 2 * (3 + 14)
        by_name = {parameter.name: parameter for parameter in hp.space}
        assert by_name["reduce/node_5/inputs"].values == [
            *("0,1", "0,2", "0,3", "0,4", "1,2", "1,3", "1,4", "2,3", "2,4", "3,4")
        ]

    def test_each_edge_has_its_own_candidates(self):
        hp = CellHyperModel("s1", (8, 8, 1), 10).hyperparameters()
        by_name = {parameter.name: parameter for parameter in hp.space}
        for e, edge in enumerate(spaces.S1.edges):
            name = f"reduce/node_{2 + edge.node}/operation_from_{edge.source}"
            assert tuple(by_name[name].values) == spaces.S1.operations_on("reduce")[e]

    def test_sizes_and_learning_rate(self, tiny_space):
        hypermodel = CellHyperModel(
            tiny_space, (8, 8, 1), 10, channels=(2, 4), cells=(3, 4), learning_rate=(1e-3, 1e-1)
        )
        hp = hypermodel.hyperparameters()
        hp.values.update(channels=4, cells=3, learning_rate=0.01)
        network = hypermodel.build(hp)
        assert hypermodel.size(hp) == (4, 3)
        assert sum("cell_" in layer.name for layer in network.layers) == 3
        assert float(network.optimizer.learning_rate) == pytest.approx(0.01)
        assert network.output_shape == (None, 10)
        fixed = CellHyperModel(tiny_space, (8, 8, 1), 10, channels=2, cells=3)
        assert "channels" not in fixed.hyperparameters() and fixed.size(hp) == (2, 3)

    def test_building_names_what_a_tuner_did_not_declare(self, tiny_space):
        hypermodel = CellHyperModel(tiny_space, (8, 8, 1), 10, channels=2, cells=3)
        hp = keras_tuner.HyperParameters()
        hypermodel.build(hp)
        assert hp.values == hypermodel.hyperparameters().values


def of_an_earlier_version(hp, inputs):
    """Hyperparameters as versions wrote them that counted the intermediate nodes from 0."""
    text = json.dumps(hp.get_config())
    text = re.sub(r"/node_(\d+)/", lambda found: f"/node_{int(found[1]) - inputs}/", text)
    return keras_tuner.HyperParameters.from_config(json.loads(text))


class TestEarlierVersions:
    @pytest.mark.parametrize("space", ["darts_cnn", "nas_bench_201"])
    def test_their_trials_mean_what_they_meant(self, space):
        hypermodel = CellHyperModel(space, (8, 8, 1), 10)
        genotype = genotypes.sample(spaces.get(space), 3)
        hp = of_an_earlier_version(hypermodel.hyperparameters(genotype), spaces.get(space).inputs)
        assert "normal/node_0/operation_from_0" in hp
        assert hypermodel.genotype(hp) == genotype
        names = [one.name for one in hp.space]
        hypermodel.declare_hyperparameters(hp)
        assert [one.name for one in hp.space] == names
        assert set(hypermodel.values(genotype, like=names)) <= set(names)

    def test_a_tuner_that_goes_on_keeps_their_names(self, tmp_path):
        hypermodel = CellHyperModel("nas_bench_201", (8, 8, 1), 10)
        tuner = keras_tuner.RandomSearch(
            hypermodel, "val_accuracy", max_trials=2, directory=tmp_path, overwrite=True
        )
        tuner.oracle.hyperparameters = of_an_earlier_version(hypermodel.hyperparameters(), 1)
        genotype = genotypes.sample(spaces.get("nas_bench_201"), 5)
        start_with(tuner, [genotype])
        trial = tuner.oracle.create_trial("one")
        assert "normal/node_0/operation_from_0" in trial.hyperparameters.values
        assert hypermodel.genotype(trial.hyperparameters) == genotype


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "space", "message"),
        [
            ("NASNET", "darts_cnn", "space 'nasnet', the hyperparameters are those of 'darts_cnn'"),
            ("NASNET", "nasnet", "the inputs 0,0; the hyperparameters can describe 0,1 or 0,2"),
            ("SNAS_AGGRESSIVE", "darts_cnn", "'none' in node 2 of the cell 'reduce' is no choice"),
            ("AMOEBANET", "nasnet", r"nodes \[4, 5, 6\], but .* cells with \[2, 3, 4, 5, 6\]"),
        ],
    )
    def test_genotypes_without_hyperparameters(self, name, space, message):
        with pytest.raises(UserError, match=message):
            CellHyperModel(space, (8, 8, 1), 10).hyperparameters(genotypes.get(name))

    def test_other_hyperparameters(self):
        hypermodel = CellHyperModel("darts_cnn", (8, 8, 1), 10)
        with pytest.raises(UserError, match="'normal/node_2/operation_from_0' has no value"):
            hypermodel.genotype(keras_tuner.HyperParameters())

    @pytest.mark.parametrize(
        "wrong",
        [{"channels": 0}, {"cells": ()}, {"channels": (8, "a")}, {"learning_rate": (1e-1, 1e-3)}],
    )
    def test_arguments(self, wrong):
        with pytest.raises(UserError, match=f"{next(iter(wrong))} is .*; expected"):
            CellHyperModel("darts_cnn", (8, 8, 1), 10, **wrong)


class TestStockTuners:
    @pytest.mark.parametrize(
        ("kind", "options", "trials"),
        [
            (keras_tuner.RandomSearch, {"max_trials": 2}, 2),
            *(
                pytest.param(*others, marks=pytest.mark.thorough)
                for others in (
                    (keras_tuner.BayesianOptimization, {"max_trials": 2}, 2),
                    (keras_tuner.Hyperband, {"max_epochs": 2, "factor": 2}, 5),
                    (keras_tuner.GridSearch, {"max_trials": 2}, 2),
                )
            ),
        ],
    )
    def test_trains_on_digits(self, kind, options, trials, one_cell, digits, eagerly, tmp_path):
        images, labels, *validation = digits
        hypermodel = CellHyperModel(one_cell, (8, 8, 1), 10, channels=2, cells=1)
        tuner = make(kind, hypermodel, tmp_path, **options)
        tuner.search(images, labels, validation_data=validation, epochs=1, verbose=0)
        done = tuner.oracle.get_best_trials(99)
        assert [trial.status for trial in done] == ["COMPLETED"] * trials
        found = [hypermodel.genotype(trial.hyperparameters) for trial in done]
        assert len(set(found)) >= 2 and {genotype.space for genotype in found} == {one_cell}
        _, accuracy = tuner.get_best_models()[0].evaluate(*validation, verbose=0)
        assert accuracy == pytest.approx(done[0].score)

    @pytest.mark.parametrize("kind", ["RandomSearch", "BayesianOptimization"])
    def test_published_genotypes_first(self, kind, tmp_path):
        first = [genotypes.get("PDARTS"), genotypes.get("DARTS_V2")]
        hypermodel = CellHyperModel(
            "darts_cnn", (8, 8, 1), 10, channels=2, cells=3, learning_rate=(1e-3, 1e-1)
        )
        for trials in (1, 4):  # The second tuner goes on with the first one's search.
            tuner = make(
                scored(getattr(keras_tuner, kind)), hypermodel, tmp_path, max_trials=trials
            )
            start_with(tuner, first)
            tuner.search(verbose=0)
        done = [tuner.oracle.trials[trial].hyperparameters for trial in tuner.oracle.start_order]
        found = [hypermodel.genotype(hp) for hp in done]
        assert len(found) == 4 and found[:2] == [in_order(genotype) for genotype in first]
        assert len(set(found)) == 4
        assert len(np.unique([hp.get("learning_rate") for hp in done])) == 4
        # What another edge's operation would have been is no value of the trial.
        assert set(hypermodel.values(found[0])) | {"learning_rate"} == set(done[0].values)

    @pytest.mark.parametrize(
        ("kind", "options", "trials"),
        [
            (keras_tuner.Hyperband, {"max_epochs": 3, "factor": 3}, 6),
            (keras_tuner.GridSearch, {"max_trials": None}, 8),
        ],
    )
    def test_the_others_propose_genotypes_too(self, kind, options, trials, one_cell, tmp_path):
        hypermodel = CellHyperModel(one_cell, (8, 8, 1), 10, channels=2, cells=1)
        tuner = make(scored(kind), hypermodel, tmp_path, **options)
        tuner.search(verbose=0)
        done = tuner.oracle.trials.values()
        assert [trial.status for trial in done] == ["COMPLETED"] * trials
        found = {hypermodel.genotype(trial.hyperparameters) for trial in done}
        if kind is keras_tuner.GridSearch:
            assert len(found) == trials  # All there are: 2 operations, then 2 edges of 2.

    def test_tuners_that_take_no_other_proposals(self, tiny_space, tmp_path):
        hypermodel = CellHyperModel(tiny_space, (8, 8, 1), 10, channels=2, cells=3)
        tuner = keras_tuner.GridSearch(hypermodel, "val_accuracy", directory=tmp_path)
        with pytest.raises(UserError, match="is a GridSearchOracle; genotypes can be given"):
            start_with(tuner, [])
        tuner.hypermodel = None
        with pytest.raises(UserError, match="hypermodel is a NoneType"):
            start_with(tuner, [])


def make(kind, hypermodel, directory, **options):
    objective = keras_tuner.Objective("val_accuracy", "max")
    return kind(hypermodel, objective, seed=1, directory=directory, **options)


def scored(kind):
    """A stock tuner whose trials cost nothing."""

    class Scored(kind):
        def run_trial(self, trial, *args, **kwargs):
            return {"val_accuracy": len(self.hypermodel.genotype(trial.hyperparameters).space)}

    return Scored
