import keras
import numpy as np
import pytest

from darts_tf import macros
from darts_tf.common.errors import UserError
from darts_tf.layers.stems import Classifier
from darts_tf.macros import CellPlan, Staged
from darts_tf.macros.nas_bench_201 import ResidualReduction
from tests.operations import definitions


class TestDarts:
    def test_parts(self):
        parts = macros.get("darts").parts(4, 6)
        assert [p.channels for p in parts] == [4, 4, 8, 8, 16, 16]
        assert [p.reduction for p in parts] == [False, False, True, False, True, False]
        assert [p.reduction_before for p in parts] == [False, False, False, True, False, True]

    def test_sizes_of_the_paper(self):
        darts = macros.get("darts")
        assert (darts.search_size, darts.network_size) == ((16, 8), (36, 20))


class TestStaged:
    def test_parts(self):
        made = []
        macro = Staged("x", keras.layers.Dense, lambda c: made.append(c) or c, stages=3)
        assert (
            macro.parts(4, 6)
            == [*[CellPlan(4)] * 2, 8, *[CellPlan(8)] * 2, 16] + [CellPlan(16)] * 2
        )
        assert made == [8, 16]

    def test_the_benchmarks_sizes(self):
        macro = macros.get("nas_bench_201")
        assert macro.search_size == macro.network_size == (16, 15)
        assert len(macro.parts(16, 15)) == 15 + 2


class TestWalk:
    @pytest.mark.parametrize(
        "inputs, expected",
        [
            (2, [["a", "b"], ["b", 1], ("halve", 2), ["halve", "halve"], ["halve", 3]]),
            (1, [["b"], [1], ("halve", 2), ["halve"], [3]]),
        ],
    )
    def test_a_cell_takes_what_stands_before_it(self, inputs, expected):
        taken = []

        def run(part, inputs):
            taken.append(inputs if isinstance(part, CellPlan) else (part, inputs))
            return part.channels if isinstance(part, CellPlan) else part

        parts = (CellPlan(1), CellPlan(2), "halve", CellPlan(3), CellPlan(4))
        assert macros.walk(parts, ("a", "b"), inputs, run) == 4
        assert taken == expected

    def test_cells_that_are_no_plans(self):
        found = macros.walk("xy", (0, 1), 2, lambda *step: step, is_cell="x".__contains__)
        assert found == ("y", ("x", [0, 1]))


class TestResidualReduction:
    @pytest.mark.parametrize("size", [(4, 6), (5, 3)])
    def test_its_definition(self, size):
        layer = ResidualReduction(4)
        x = np.random.default_rng(0).normal(size=(3, *size, 2)).astype("float32")
        y = layer(x, training=True).numpy()
        assert y.shape == layer.compute_output_shape(x.shape)
        kernels = {w.path.split("/")[-2] + str(w.shape): w.numpy() for w in layer.weights}
        first, second, shortcut = (
            next(k for name, k in kernels.items() if k.shape == shape)
            for shape in ((3, 3, 2, 4), (3, 3, 4, 4), (1, 1, 2, 4))
        )
        relu = definitions.relu
        inner = definitions.normalize(definitions.convolution(relu(x), first, (2, 2), (1, 1)))
        main = definitions.normalize(definitions.convolution(relu(inner), second, padding=(1, 1)))
        pooled = np.stack(
            [
                [
                    x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(1, 2))
                    for j in range(y.shape[2])
                ]
                for i in range(y.shape[1])
            ]
        ).transpose(2, 0, 1, 3)
        np.testing.assert_allclose(y, main + pooled @ shortcut[0, 0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 4, 5, 3), (2, 2, 2, 2, 3)])
def test_classifier_takes_any_number_of_dimensions(shape):
    layer = Classifier(4)
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    logits = layer(x)
    kernel, bias = layer.get_weights()
    mean = x.mean(axis=tuple(range(1, len(shape) - 1)))
    np.testing.assert_allclose(logits, mean @ kernel + bias, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(shape) == (2, 4)


def test_registry():
    with pytest.raises(UserError, match="unknown macro network 'resnet'; expected one of darts"):
        macros.get("resnet")
    mine = Staged("mine", keras.layers.Dense, keras.layers.Dense)
    assert macros.register(mine) is mine is macros.get("mine") is macros.register(mine)
    again = Staged("mine", keras.layers.Dense, keras.layers.Dense)
    assert macros.register(again) is again is macros.get("mine")
    with pytest.raises(UserError, match="another macro network named 'mine'"):
        macros.register(Staged("mine", keras.layers.Dense, keras.layers.Dense, stages=2))
