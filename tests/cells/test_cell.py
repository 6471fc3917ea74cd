import contextlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes, operations, spaces
from darts_tf.cells.cell import Cell, MixedCell
from darts_tf.runtime.shared_traces import SharedTraces
from tests.operations import definitions

RANDOM = np.random.default_rng(0)
# Without poolings, which a relaxed cell normalises and a discrete one doesn't.
NODES = (
    (("sep_conv_3x3", 0), ("skip_connect", 1)),
    (("dil_conv_5x5", 1), ("sep_conv_5x5", 2)),
    (("skip_connect", 0), ("skip_connect", 3)),
    (("dil_conv_3x3", 2), ("sep_conv_3x3", 4)),
)


def inputs(size=(5, 6), reduction_before=False, channels=6):
    before = tuple(2 * n for n in size) if reduction_before else size
    return [RANDOM.normal(size=(3, *s, channels)).astype("float32") for s in (before, size)]


def build(cell, states):
    cell.build([(None, *state.shape[1:]) for state in states])
    return cell


@pytest.mark.parametrize("kind", [{}, {"reduction": True}, {"reduction_before": True}])
class TestOneOperationAnEdge:
    """A relaxed cell with one-hot weights is the discrete cell."""

    def test_equal(self, kind):
        keras.utils.set_random_seed(1)
        x = inputs(reduction_before=kind.get("reduction_before", False))
        mixed = build(MixedCell("darts_cnn", 4, **kind), x)
        cell = build(Cell(NODES, (2, 3, 4, 5), 4, **kind), x)
        for mine, its in zip(cell.preprocess, mixed.preprocess, strict=True):
            copy(its, mine)
        weights = np.zeros((14, 8), "float32")
        weights[:, 0] = 1
        for node, edges in enumerate(NODES):
            for k, (name, source) in enumerate(edges):
                e = [0, 2, 5, 9][node] + source
                edge = mixed.edges[e]
                chosen = edge.operations.index(name)
                weights[e] = np.eye(8)[chosen]
                copy(edge.candidates[chosen], cell.nodes[node][k][0])
        got = mixed(x, weights, training=True)
        expected = cell(x, training=True)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
        assert got.shape == mixed.compute_output_shape([state.shape for state in x])
        assert got.shape == cell.compute_output_shape([state.shape for state in x])


def copy(source, target):
    """All weights but scale and offset, which start as 1 and 0."""
    kernels = [v for v in target.trainable_variables if len(v.shape) == 4]
    for mine, its in zip(kernels, source.trainable_variables, strict=True):
        mine.assign(its)


class TestCell:
    def test_by_hand(self):
        nodes = ((("max_pool_3x3", 0), ("skip_connect", 1)), (("none", 0), ("avg_pool_3x3", 2)))
        x = inputs(size=(4, 4), channels=3)
        cell = build(Cell(nodes, (3, 2), 3), x)
        (first, _, _), (second, _, _) = (
            [v.numpy() for v in layer.trainable_variables] for layer in cell.preprocess
        )
        states = [
            definitions.normalize(definitions.convolution(definitions.relu(image), kernel))
            for image, kernel in zip(x, (first, second), strict=True)
        ]
        states.append(definitions.max_pool(states[0], 1) + states[1])
        states.append(definitions.mean_pool(states[2], 1))
        expected = np.concatenate([states[3], states[2]], axis=-1)
        np.testing.assert_allclose(cell(x, training=True), expected, rtol=1e-3, atol=1e-4)

    def test_nodes_of_three_edges(self):
        """Added at once in training, in pairs else, where what runs elsewhere may have no other."""
        nodes = ((("skip_connect", 0), ("skip_connect", 1), ("avg_pool_3x3", 1)),)
        x = inputs(size=(4, 4), channels=3)
        cell = build(Cell(nodes, (2,), 3, preprocess=None), x)
        expected = x[0] + x[1] + definitions.mean_pool(x[1], 1)
        for training, kind in ((True, "AddN"), (False, "AddV2")):
            np.testing.assert_allclose(cell(x, training=training), expected, atol=1e-5)
            graph = tf.function(cell).get_concrete_function(x, training=training).graph
            kinds = {operation.type for operation in graph.get_operations()}
            assert kinds & {"AddN", "AddV2"} == {kind}

    def test_zeros_are_not_added(self):
        nodes = (
            (("none", 0), ("skip_connect", 1), ("none", 1)),
            (("none", 0), ("none", 2)),
        )
        x = inputs(size=(4, 4), channels=3)
        cell = build(Cell(nodes, (2, 3), 3, preprocess=None), x)
        for training in (True, False):
            got = cell(x, training=training)
            np.testing.assert_array_equal(got[..., :3], x[1])
            np.testing.assert_array_equal(got[..., 3:], 0 * x[1])
            graph = tf.function(cell).get_concrete_function(x, training=training).graph
            kinds = [operation.type for operation in graph.get_operations()]
            # Of the node that has nothing else.
            assert kinds.count("ZerosLike") <= 1 and not {"AddN", "AddV2"} & set(kinds)

    def test_only_edges_from_the_inputs_stride(self):
        cell = Cell(NODES, (2, 3, 4, 5), 4, reduction=True)
        strides = [[chain[0].strides for chain in node] for node in cell.nodes]
        assert strides == [[2, 2], [2, 1], [2, 1], [1, 1]]

    @pytest.mark.parametrize("size", [(5, 7), (4, 4), (3, 1)])
    @pytest.mark.parametrize("reduction", [True, False])
    def test_sizes(self, size, reduction):
        genotype = genotypes.get("DARTS_V1")["reduce" if reduction else "normal"]
        x = inputs(size)
        cell = Cell(genotype.nodes, genotype.concat, 2, reduction=reduction)
        steps = 2 if reduction else 1
        expected = (3, -(-size[0] // steps), -(-size[1] // steps), 8)
        assert cell(x).shape == expected == cell.compute_output_shape([y.shape for y in x])

    def test_parameter_count(self):
        genotype = genotypes.get("DARTS_V2")["normal"]
        cell = build(Cell(genotype.nodes, genotype.concat, 4), inputs(channels=6))
        # Five separable convolutions 3x3, a dilated one, two skips; 1x1 before both inputs.
        separable = 2 * (9 * 4 + 16 + 8)
        expected = 5 * separable + (9 * 4 + 16 + 8) + 2 * (6 * 4 + 8)
        names = sorted(edge.operation for edge in genotype.edges)
        assert names == ["dil_conv_3x3"] + 5 * ["sep_conv_3x3"] + 2 * ["skip_connect"]
        assert sum(v.numpy().size for v in cell.trainable_variables) == expected

    def test_an_input_after_a_reduction_is_halved(self):
        x = inputs(reduction_before=True)
        cell = build(Cell(NODES, (2, 3), 4, reduction_before=True), x)
        assert isinstance(cell.preprocess[0], operations.FactorizedReduce)
        assert cell(x).shape == (3, 5, 6, 8)

    def test_file(self, tmp_path):
        x = inputs()
        images = [keras.Input(state.shape[1:]) for state in x]
        model = keras.Model(images, Cell(NODES, (2, 4), 4, reduction=True, drop_path=True)(images))
        model(x, training=True)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded(x), model(x))
        assert loaded.layers[-1].get_config() == model.layers[-1].get_config()

    def test_equal_cells_share_a_trace(self, monkeypatch):
        """Two of three cells are alike; numbers are those without sharing."""
        nodes = ((("sep_conv_3x3", 0), ("skip_connect", 1)), (("sep_conv_3x3", 2),))
        x, traced, cells = inputs(size=(4, 4), channels=4), [], []
        keras.utils.set_random_seed(0)
        for kwargs in ({}, {}, {"reduction": True}):
            cells.append(build(Cell(nodes, (2, 3), 4, drop_path=True, **kwargs), x))
            for chain in (chain for node in cells[-1].nodes for chain in node if chain[1:]):
                chain[1].rate.assign(0.3)
        variables = [v for cell in cells for v in cell.variables]
        weights = [v.value for cell in cells for v in cell.trainable_variables]
        before = [v.numpy() for v in variables]
        compute = Cell._compute_training
        monkeypatch.setattr(
            Cell, "_compute_training", lambda cell, *x: traced.append(cell) or compute(cell, *x)
        )

        def step(scope):
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

            @tf.function(autograph=False)
            def run():
                with scope(), tf.GradientTape() as tape:
                    loss = tf.add_n([tf.reduce_sum(cell(x, training=True) ** 2) for cell in cells])
                return [loss, *tape.gradient(loss, weights)]

            return [y.numpy() for y in (*run(), *variables)]

        wanted, alone = step(contextlib.nullcontext), len(traced)
        got = step(SharedTraces().active)
        assert (alone, len(traced) - alone) == (3, 2)
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        after = got[-len(variables) :]
        kinds = {
            v.name
            for v, x, y in zip(variables, before, after, strict=True)
            if not np.array_equal(x, y)
        }
        assert kinds == {"moving_mean", "moving_variance", "seed_generator_state"}

    def test_config_without_preprocessing(self):
        """As in NAS-Bench-201."""
        cell = Cell(((("skip_connect", 0),),), (1,), 4, inputs=1, preprocess=None)
        assert Cell.from_config(cell.get_config()).preprocess_names is None


class TestMixedCell:
    @pytest.mark.parametrize("size", [(5, 7), (3, 1)])
    def test_odd_sizes(self, size):
        x = inputs(size)
        cell = build(MixedCell("darts_cnn", 2, reduction=True), x)
        weights = np.full((14, 8), 1 / 8, "float32")
        assert cell(x, weights).shape == (3, -(-size[0] // 2), -(-size[1] // 2), 8)

    def test_preprocessing_learns_no_scale(self):
        cell = build(MixedCell("darts_cnn", 2), inputs())
        assert {len(v.shape) for v in cell.trainable_variables} == {4}

    def test_config(self):
        cell = MixedCell("darts_cnn", 2, reduction=True, name="cell_1")
        assert MixedCell.from_config(cell.get_config()).get_config() == cell.get_config()
        assert cell.get_config()["space"] == "darts_cnn"

    def test_config_with_other_candidates(self):
        some = [["none", "skip_connect"]] * 13 + [["sep_conv_3x3"]]
        space = spaces.DARTS_CNN.restrict({"normal": some, "reduce": some[::-1]})
        cell = MixedCell(space, 2, reduction=True)
        config = json.loads(json.dumps(cell.get_config()))
        assert config["space"]["config"]["name"] == "darts_cnn"
        assert MixedCell.from_config(config).edge_operations == space.operations_on("reduce")

    def test_config_of_earlier_versions(self):
        every = [list(spaces.DARTS_CNN.operations)] * 14
        own = [["none", "skip_connect"]] * 13 + [["sep_conv_3x3"]]
        old = {"space": "darts_cnn", "channels": 2, "reduction": True, "reduction_before": False}
        cell = MixedCell.from_config({**old, "edge_operations": own})
        assert [list(names) for names in cell.edge_operations] == own
        assert [edge.operations for edge in cell.edges] == list(cell.edge_operations)
        plain = MixedCell.from_config({**old, "edge_operations": every})
        assert (
            plain.get_config()
            == MixedCell("darts_cnn", 2, reduction=True, name=plain.name).get_config()
        )
