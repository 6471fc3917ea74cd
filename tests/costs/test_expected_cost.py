import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes, operations, spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import counted, expected_cost, log_cost
from darts_tf.costs.expected_cost import CostTable
from darts_tf.costs.latency import Latencies, milliseconds
from darts_tf.costs.log_cost import LogCostTable
from darts_tf.genotypes import nas_bench_201
from darts_tf.networks.network import build_network

SIZE = {"input_shape": (8, 8, 3), "num_classes": 4, "channels": 2, "cells": 3}
MEASURES = {
    "parameters": (expected_cost.measure_parameters, counted.parameters),
    "flops": (expected_cost.measure_flops, counted.multiply_adds),
}


def one_hot(space, genotype):
    """Operation weights that are 1 on the edges of the genotype and 0 elsewhere."""
    weights = {t: np.zeros((len(space.edges), len(space.operations))) for t in space.cell_types}
    for cell_type, cell in genotype.cells.items():
        for node, edges in enumerate(cell.nodes):
            for name, source in edges:
                row = space.edges.index((node, source))
                weights[cell_type][row, space.operations.index(name)] = 1
    return weights


@pytest.fixture(scope="module")
def tables():
    return {
        kind: expected_cost.table("nas_bench_201", **SIZE, measure=expected_cost.measure(kind))
        for kind in MEASURES
    }


class TestTable:
    @pytest.mark.parametrize("kind", MEASURES)
    def test_one_hot_weights_cost_what_the_derived_network_costs(self, tables, kind):
        space = spaces.NAS_BENCH_201
        for genotype in (
            nas_bench_201.from_operations((*space.operations, "nor_conv_3x3")),
            genotypes.sample(space, 0),
        ):
            network = build_network(genotype, *SIZE.values())
            expected = tables[kind].expected(one_hot(space, genotype))
            assert float(expected) == MEASURES[kind][1](network)

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", MEASURES)
    def test_darts_cells_with_reductions_too(self, small_space, kind):
        space = spaces.get(small_space)
        table = expected_cost.table(small_space, **SIZE, measure=MEASURES[kind][0])
        for seed in range(2):
            genotype = genotypes.sample(space, seed)
            network = build_network(genotype, *SIZE.values())
            assert float(table.expected(one_hot(space, genotype))) == MEASURES[kind][1](network)

    def test_by_hand(self, tables):
        costs = tables["flops"].operations["normal"]
        pixels = {2: 64, 4: 16, 8: 4}
        one_by_one = sum(n * c * c for c, n in pixels.items())
        np.testing.assert_array_equal(costs, [[0, 0, one_by_one, 9 * one_by_one, 0]] * 6)
        batch_normalization = 2 * sum(pixels)
        weights = sum(c * c for c in pixels)
        np.testing.assert_array_equal(
            tables["parameters"].operations["normal"][0],
            [0, 0, weights + batch_normalization, 9 * weights + batch_normalization, 0],
        )

    def test_an_operation_that_is_no_candidate_costs_nothing(self):
        def measure(key, make, shape):
            return 1.0

        table = expected_cost.table("s1", **SIZE, measure=measure)
        for cell_type, costs in table.operations.items():
            mask = spaces.get("s1").mask(cell_type)
            cells = {"normal": 1, "reduce": 2}[cell_type]
            np.testing.assert_array_equal(costs, cells * mask)
        # Stem, head, and two preprocessing layers in each of 3 cells.
        assert table.fixed == 2 + 6


class TestExpectation:
    TABLE = CostTable({"normal": np.array([[0.0, 1, 5], [2, 3, 11]])}, fixed=7.0)

    def test_it_is_the_mean_over_all_architectures(self):
        rng = np.random.default_rng(0)
        p = rng.dirichlet(np.ones(3), 2)
        costs = self.TABLE.operations["normal"]
        mean = sum(
            p[0, i] * p[1, j] * (costs[0, i] + costs[1, j] + 7)
            for i, j in itertools.product(range(3), repeat=2)
        )
        np.testing.assert_allclose(self.TABLE.expected({"normal": p}), mean, rtol=1e-6)

    def test_the_gradient_of_the_logits_is_that_of_a_softmax(self):
        alpha = tf.constant([[0.3, -0.2, 0.1], [0.0, 1.0, -1.0]])
        with tf.GradientTape() as tape:
            tape.watch(alpha)
            value = self.TABLE.expected({"normal": tf.nn.softmax(alpha)})
        p = tf.nn.softmax(alpha).numpy()
        costs = self.TABLE.operations["normal"]
        expected = p * (costs - (p * costs).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(tape.gradient(value, alpha), expected, rtol=1e-5, atol=1e-7)

    def test_the_penalty_is_its_weight_where_all_candidates_are_equal(self):
        space = spaces.Space(
            "two",
            ("a", "b", "c"),
            1,
            2,
            cell_types=("normal",),
            edge_operations={"normal": [("a", "b", "c"), ("b", "c")]},
        )
        table = CostTable({"normal": space.mask("normal") * 3.0}, fixed=100.0)
        equal = space.mask("normal") / space.mask("normal").sum(axis=1, keepdims=True)
        penalty = table.penalty(space, 0.25)
        assert float(penalty({"normal": equal})) == pytest.approx(0.25)
        assert float(penalty({"normal": 2 * equal})) == pytest.approx(0.5)

    def test_a_space_without_costs_has_no_penalty(self):
        space = spaces.Space("free", ("skip_connect",), 1, 1, cell_types=("normal",))
        table = CostTable({"normal": np.zeros((1, 1))}, fixed=3.0)
        assert float(table.penalty(space, 1.0)({"normal": np.ones((1, 1))})) == 0


def snas_terms(name, strides, c, y):
    """Size, flops and memory accesses as in the authors' SNAS/operations.py; y: output's side."""
    if name == "none":
        return 0, 0, 0
    if "pool" in name:
        return 0, 9 * y**2 * c, (2 if strides == 1 else 5) * y**2 * c
    if name == "skip_connect" and strides == 1:
        return 0, 0, 2 * y**2 * c
    if name == "skip_connect":
        size, reads_and_writes = c**2, 2 * (4 * c + c // 2)
    elif name.startswith("sep"):
        size, reads_and_writes = 2 * c * int(name[-1]) ** 2 + 2 * c**2, (8 if strides == 1 else 11)
        reads_and_writes *= c
    else:
        size = c * int(name[-1]) ** 2 + c**2
        reads_and_writes = (4 if strides == 1 else 7) * c
    return size, size * y**2, reads_and_writes * y**2 + size


class TestSnas:
    @pytest.mark.parametrize("strides", [1, 2])
    def test_the_authors_formula_for_every_operation(self, strides):
        c, side = 6, 8
        for name in spaces.DARTS_CNN.operations:
            found = expected_cost.measure_snas(
                name,
                lambda name=name: operations.create(name, c, strides=strides),
                (side, side, c),
            )
            size, flops, accesses = snas_terms(name, strides, c, side // strides)
            expected = (2 * size + flops / 4000 + accesses / 100) * 0.43
            assert found == pytest.approx(expected), name

    def test_the_mean_over_the_cells_of_a_type(self, tiny_space):
        def measure(key, make, shape):
            return float(shape[-1])

        size = {**SIZE, "cells": 6}
        total, mean = (
            expected_cost.table(tiny_space, **size, measure=measure, mean=mean)
            for mean in (False, True)
        )
        for cell_type, cells in (("normal", 4), ("reduce", 2)):
            np.testing.assert_allclose(
                mean.operations[cell_type], total.operations[cell_type] / cells
            )
        assert mean.fixed == total.fixed


class TestSnasLog:
    """One cell type, two cells, two edges, two operations."""

    TABLE = LogCostTable(
        {
            "normal": np.array(
                [
                    [[[0, 100], [0, 8]], [[0, 1000], [0, 80]], [[4, 10], [4, 6]]],
                    [[[0, 400], [0, 2]], [[0, 9000], [0, 20]], [[8, 30], [2, 4]]],
                ]
            )
        }
    )

    def test_by_hand(self):
        weights = {"normal": np.array([[0.5, 0.5], [0.9, 0.1]])}
        first = np.log([50, 500, 7]).mean() + np.log([1, 8, 4.2]).mean()
        second = np.log([200, 4500, 19]).mean() + np.log([1, 2, 2.2]).mean()
        found = float(self.TABLE.expected(weights))
        assert found == pytest.approx((first + second) / 2, rel=1e-5)
        space = spaces.Space("pair", ("a", "b"), 1, 2, cell_types=("normal",))
        penalty = self.TABLE.penalty(space, 0.25)
        assert float(penalty({"normal": np.full((2, 2), 0.5)})) == pytest.approx(0.25)
        equal = float(self.TABLE.expected({"normal": np.full((2, 2), 0.5)}))
        assert float(penalty(weights)) == pytest.approx(0.25 * found / equal)

    def test_the_gradient_is_relative_and_zero_below_one(self):
        z = tf.constant([[0.5, 0.5], [0.95, 0.05]])
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = self.TABLE.expected({"normal": z})
        first = (1 / 0.5 + 1 / 0.5 + 10 / 7) / 3, (1 / 0.5 + 1 / 0.5 + 30 / 19) / 3
        # 0.4 and 0.1 weights count as one; so do 20 * 0.05 multiply-adds, on the border.
        slope = tape.gradient(value, z).numpy()
        assert slope[0, 1] == pytest.approx(np.mean(first), rel=1e-5)
        assert slope[1, 0] == pytest.approx((4 / 4.1 + 2 / 2.1) / 6, rel=1e-5)

    def test_the_resources_of_a_space(self, tiny_space):
        resources = log_cost.table(tiny_space, *SIZE.values()).resources
        assert {name: x.shape for name, x in resources.items()} == {
            "normal": (1, 3, 2, 3),
            "reduce": (2, 3, 2, 3),
        }
        total = expected_cost.table(tiny_space, **SIZE, measure=expected_cost.measure("snas"))
        for name, (size, flops, accesses) in (
            (name, np.moveaxis(x, 1, 0)) for name, x in resources.items()
        ):
            sums = counted.snas_cost(size, flops, accesses).sum(axis=0)
            np.testing.assert_allclose(sums, total.operations[name])


class TestLatency:
    def test_a_table_is_measured_kept_and_looked_up(self, tmp_path, tiny_space, caplog):
        measured = Latencies(batch_size=2, device="this one")
        table = expected_cost.table(tiny_space, **SIZE, measure=measured.measure_now)
        assert all(value > 0 for value in measured.milliseconds.values())
        assert table.operations["normal"][0, 2] > 0
        measured.save(tmp_path / "latency.json")
        with caplog.at_level("INFO", logger="absl"):
            loaded = Latencies.load(tmp_path / "latency.json")
        assert "layers, in batches of 2, measured on this one" in caplog.messages[-1]
        assert (loaded.batch_size, loaded.device) == (2, "this one")
        again = expected_cost.table(
            tiny_space, **SIZE, measure=expected_cost.measure("latency", loaded)
        )
        np.testing.assert_array_equal(again.operations["normal"], table.operations["normal"])
        assert again.fixed == table.fixed

    def test_more_work_takes_longer(self):
        small, large = (
            counted.model_of(lambda c=c: keras.layers.Conv2D(c, 3, padding="same"), (32, 32, c))
            for c in (2, 64)
        )
        assert milliseconds(large, batch_size=4) > 2 * milliseconds(small, batch_size=4)

    def test_another_size_is_refused(self, tiny_space):
        with pytest.raises(UserError, match="no entry 'stem, input 8x8x3'; measure one for this"):
            expected_cost.table(
                tiny_space, **SIZE, measure=expected_cost.measure("latency", Latencies())
            )

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"milliseconds": {"a": "b"}}'])
    def test_damaged_file(self, tmp_path, text):
        (tmp_path / "latency.json").write_text(text)
        with pytest.raises(UserError, match="cannot read the latency table"):
            Latencies.load(tmp_path / "latency.json")

    @pytest.mark.parametrize("value", ["NaN", "-1", "Infinity"])
    def test_times_that_are_none(self, tmp_path, value):
        text = f'{{"device": "", "batch_size": 1, "milliseconds": {{"stem": {value}}}}}'
        (tmp_path / "latency.json").write_text(text)
        with pytest.raises(UserError, match="'stem' takes .* ms, expected a number from 0"):
            Latencies.load(tmp_path / "latency.json")


def test_unknown_cost():
    with pytest.raises(UserError, match="unknown cost 'joules'; expected one of parameters, flops"):
        expected_cost.measure("joules")
    with pytest.raises(UserError, match="'latency' needs a latency table"):
        expected_cost.measure("latency")
