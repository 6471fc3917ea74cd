import keras
import numpy as np
import pytest

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.layers.drop_path import DropPath
from darts_tf.networks.network import build_network, without_auxiliary
from tests import shapes_only

V2 = genotypes.get("DARTS_V2")


def count(model):
    return shapes_only.count(model.trainable_variables)


def small(name="DARTS_V2", size=(8, 8, 3), **kwargs):
    kwargs = {"channels": 2, "cells": 3, **kwargs}
    return build_network(genotypes.get(name), size, 4, **kwargs)


def images(size=(8, 8, 3)):
    return np.random.default_rng(0).normal(size=(2, *size)).astype("float32")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("DARTS_V1", 3_169_414),
        ("PDARTS", 3_433_798),
        ("PC_DARTS_CIFAR", 3_634_678),
    ],
)
def test_parameter_counts(name, expected):
    network = shapes_only.shapes_only(lambda: build_network(genotypes.get(name), (32, 32, 3), 10))
    assert count(network) == expected


def test_parameter_count_with_the_auxiliary_head():
    network = shapes_only.shapes_only(lambda: build_network(V2, (32, 32, 3), 10, auxiliary=True))
    assert count(network) == 3_825_768
    assert count(without_auxiliary(network)) == 3_349_342


def test_parameter_count_by_hand():
    def separable(c):
        return 2 * (9 * c + c * c + 2 * c)

    def dilated(c):
        return 9 * c + c * c + 2 * c

    total = 27 * 6 + 2 * 6
    # DARTS_V2: normal, five separable and one dilated; reduction, of eight edges only skips and
    # poolings, of which the strided skips hold two halves of a 1x1 and scale and offset.
    names = sorted(edge.operation for edge in V2["normal"].edges)
    assert names == ["dil_conv_3x3"] + ["sep_conv_3x3"] * 5 + ["skip_connect"] * 2
    strided_skips = sum(
        edge.operation == "skip_connect" and edge.source < 2 for edge in V2["reduce"].edges
    )
    others = {e.operation for e in V2["reduce"].edges}
    assert others == {"skip_connect", "max_pool_3x3"}
    total += (6 + 6) * 2 + 2 * 2 * 2 + 5 * separable(2) + dilated(2)
    total += (6 + 8) * 4 + 2 * 2 * 4 + strided_skips * (16 + 8)
    total += (8 + 16) * 8 + 2 * 2 * 8 + strided_skips * (64 + 16)
    total += 32 * 4 + 4
    assert count(small()) == total


class TestFunctionalModel:
    def test_outputs_logits(self):
        network = small()
        assert network.input_shape == (None, 8, 8, 3)
        logits = network(images())
        assert logits.shape == (2, 4) and logits.dtype == "float32"
        assert [layer.name for layer in network.layers[1:5]] == [
            "stem",
            "cell_0_normal",
            "cell_1_reduce",
            "cell_2_reduce",
        ]

    def test_auxiliary_head_sees_the_second_reduction(self):
        network = small(cells=4, auxiliary=True, size=(32, 32, 3))
        outputs = network(images((32, 32, 3)))
        assert {name: tuple(x.shape) for name, x in outputs.items()} == {
            "logits": (2, 4),
            "auxiliary": (2, 4),
        }
        head = network.get_layer("auxiliary")
        assert head.input is network.get_layer("cell_2_reduce").output

    def test_without_auxiliary_shares_the_weights(self):
        network = small(auxiliary=True, size=(16, 16, 3))
        plain = without_auxiliary(network)
        head = network.get_layer("auxiliary")
        assert count(plain) == count(network) - count(head)
        own = {id(v) for v in network.variables}
        assert all(id(v) in own for v in plain.variables)
        x = images((16, 16, 3))
        np.testing.assert_array_equal(plain(x), network(x)["logits"])
        plain.get_layer("logits").parts[-1].bias.assign([1.0, 2.0, 3.0, 4.0])
        np.testing.assert_array_equal(plain(x), network(x)["logits"])
        assert without_auxiliary(plain) is plain

    def test_fit_evaluate_save(self, tmp_path):
        network, x = small(), images()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
        network.fit(x, np.array([0, 1]), epochs=1, verbose=0)
        assert set(network.evaluate(x, np.array([0, 1]), return_dict=True, verbose=0)) == {
            "loss",
            "accuracy",
        }
        network.save(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras")
        np.testing.assert_array_equal(loaded(x), network(x))

    def test_summary(self, capsys):
        network = small()
        lines = []
        network.summary(print_fn=lambda line, **_: lines.append(line))
        assert f"Trainable params: {count(network):,}" in "\n".join(lines)


def test_parameter_count_of_the_paper_on_imagenet():
    """4.7 million in table 2 of the paper; the reference prints 4.718752."""
    network = shapes_only.shapes_only(
        lambda: build_network(V2, (64, 64, 3), 1000, 48, 14, stem="imagenet")
    )
    assert count(network) == 4_718_752


class TestImageNetStem:
    def test_divides_the_size_by_eight(self):
        network = small(stem="imagenet", size=(64, 48, 3))
        assert network.get_layer("stem_0").output.shape == (None, 16, 12, 2)
        assert network.get_layer("stem_1").output.shape == (None, 8, 6, 2)
        assert network.get_layer("cell_0_normal").output.shape == (None, 8, 6, 8)
        assert network.get_layer("cell_2_reduce").output.shape == (None, 2, 2, 32)
        assert network(images((64, 48, 3))).shape == (2, 4)

    @pytest.mark.parametrize("size", [(33, 47), (8, 8), (9, 1)])
    def test_odd_sizes(self, size):
        assert small(stem="imagenet", size=(*size, 3))(images((*size, 3))).shape == (2, 4)


@pytest.mark.parametrize("name", ["AMOEBANET", "NASNET"])
@pytest.mark.parametrize("size", [(9, 7, 1), (1, 1, 1)])
def test_other_cells_and_odd_sizes(name, size):
    network = small(name, size)
    assert network(images(size), training=True).shape == (2, 4)


def test_drop_path_layers():
    def drops(network):
        return [x for x in network._flatten_layers() if isinstance(x, DropPath)]

    assert drops(small()) == []
    # Normal cell: 8 edges, 2 of them identities. Reduction: identities are skips inside.
    inner = sum(e.operation == "skip_connect" and e.source > 1 for e in V2["reduce"].edges)
    assert len(drops(small(drop_path=True))) == 6 + 2 * (8 - inner)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"stem": "resnet"}, "unknown stem 'resnet'; expected one of cifar, imagenet"),
        ({"channels": 1}, "channels must be at least 2, got 1"),
        ({"cells": 2}, "cells must be at least 3"),
        ({"auxiliary": True, "size": (4, 4, 3)}, "auxiliary head needs features of at least 2x2"),
    ],
)
def test_bad_arguments(changes, reason):
    with pytest.raises(UserError, match=reason):
        small(**changes)


def test_no_class():
    """One output is that of a regression."""
    assert build_network(V2, (8, 8, 3), 1, 2, 3).output_shape == (None, 1)
    with pytest.raises(UserError, match="num_classes must be at least 1, got 0"):
        build_network(V2, (8, 8, 3), 0, 2, 3)
