import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.common.errors import UserError
from darts_tf.macros import reduction_cells
from darts_tf.supernets.supernet import Supernet
from tests.shapes_only import count, shapes_only

SMALL = {"input_shape": (8, 8, 1), "num_classes": 3, "channels": 2, "cells": 3}


def make(**changes):
    return Supernet("darts_cnn", **{**SMALL, **changes})


def images(batch=4):
    return np.random.default_rng(0).normal(size=(batch, 8, 8, 1)).astype("float32")


@pytest.fixture(scope="module")
def supernet():
    keras.utils.set_random_seed(0)
    return make()


@pytest.mark.parametrize(
    "cells, expected", [(5, 1_275_834), (8, 1_930_618), (11, 2_585_146), (17, 3_894_202)]
)
def test_parameter_counts(cells, expected):
    size = {"num_classes": 10, "channels": 16, "cells": cells}
    supernet = shapes_only(lambda: Supernet("darts_cnn", (32, 32, 3), **size))
    assert count(supernet.weight_variables) == expected


def test_parameter_count_of_pc_darts():
    options = {"relaxation": "partial_channels"}
    supernet = shapes_only(lambda: Supernet("darts_cnn", (32, 32, 3), 10, **options))
    assert count(supernet.weight_variables) == 299_578
    names = [variable.name for variable in supernet.architecture_variables]
    assert names == ["alpha_normal", "beta_normal", "alpha_reduce", "beta_reduce"]


def test_channels_that_four_does_not_divide_are_refused(tiny_space):
    with pytest.raises(UserError, match="4 must divide the channels of every cell; got 6"):
        Supernet(tiny_space, (8, 8, 1), 2, channels=6, cells=3, relaxation="partial_channels")


def test_parameter_count_by_hand():
    supernet = make(num_classes=3, input_shape=(8, 8, 3))
    total = 3 * 3 * 3 * 6 + 2 * 6  # The stem: 3x3, 3 to 6 channels, scale and offset.
    before, last = 6, 6
    for channels, reduction in ((2, False), (4, True), (8, True)):
        one = 2 * (9 * channels + channels**2) + 2 * (25 * channels + channels**2)
        one += (9 * channels + channels**2) + (25 * channels + channels**2)
        # 8 of the 14 edges leave an input; in a reduction cell their skips have two halves.
        cell = 14 * one + (8 * channels**2 if reduction else 0) + (before + last) * channels
        total += cell
        before, last = last, 4 * channels
    total += 32 * 3 + 3
    assert count(supernet.weight_variables) == total


class TestVariables:
    def test_two_disjoint_lists(self, supernet):
        alphas, weights = supernet.architecture_variables, supernet.weight_variables
        assert [a.name for a in alphas] == ["alpha_normal", "alpha_reduce"]
        assert [tuple(a.shape) for a in alphas] == [(14, 8), (14, 8)]
        ids = {id(v) for v in weights}
        assert len(ids) == len(weights)
        assert not ids & {id(a) for a in alphas}
        assert ids == {id(v) for v in supernet.trainable_variables}

    def test_alphas_belong_to_the_model_but_are_not_trained(self, supernet):
        for alpha in supernet.architecture_variables:
            assert any(alpha is v for v in supernet.variables)
            assert any(alpha is v for v in supernet.non_trainable_variables)
            assert not any(alpha is v for v in supernet.trainable_variables)

    def test_initial_alphas(self):
        supernets = [make(seed=seed) for seed in (5, 5, 6)]
        a, b, c = ([v.numpy() for v in each.architecture_variables] for each in supernets)
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a[0], c[0]) and not np.array_equal(a[0], a[1])
        draws = np.concatenate([*a, *c])
        assert abs(draws.mean()) < 2e-4
        np.testing.assert_allclose(draws.std(), 1e-3, rtol=0.1)

    def test_operation_weights(self, supernet):
        weights = supernet.operation_weights()
        assert list(weights) == ["normal", "reduce"]
        alpha = supernet.architecture.parameters["reduce"]["alpha"].numpy()
        expected = np.exp(alpha) / np.exp(alpha).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(weights["reduce"], expected, rtol=1e-6)


def test_cells(supernet):
    cells = supernet.cells
    assert [cell.reduction for cell in cells] == [False, True, True]
    assert [cell.reduction_before for cell in cells] == [False, False, True]
    assert [cell.channels for cell in cells] == [2, 4, 8]
    assert supernet.stem.channels == 6


@pytest.mark.parametrize(
    "cells, expected", [(3, (1, 2)), (5, (1, 3)), (8, (2, 5)), (11, (3, 7)), (20, (6, 13))]
)
def test_reduction_cells(cells, expected):
    assert reduction_cells(cells) == expected


def test_logits(supernet):
    logits = supernet(images())
    assert logits.shape == (4, 3) and logits.dtype == "float32"
    assert np.isfinite(logits).all()


def test_each_alpha_matters_to_its_own_cell_type():
    supernet, x = make(), images()
    before = supernet(x, training=True).numpy()
    for alpha in supernet.architecture_variables:
        old = alpha.numpy()
        alpha.assign(old + np.eye(14, 8))
        assert not np.allclose(supernet(x, training=True), before, rtol=1e-4)
        alpha.assign(old)


class TestCandidatesOfAnEdge:
    SETS = (("skip_connect",), ("none", "sep_conv_3x3"), ("max_pool_3x3", "skip_connect"))

    def supernet(self, space):
        nodes = [*self.SETS, *self.SETS[:2]]
        sets = {"normal": nodes, "reduce": nodes[::-1]}
        return Supernet(space, **SMALL, edge_operations=sets)

    def test_the_softmax_is_over_the_candidates_and_exact(self, small_space):
        supernet = self.supernet(small_space)
        mask = supernet.space.mask("normal")
        alpha = supernet.architecture.parameters["normal"]["alpha"]
        alpha.assign(np.random.default_rng(0).normal(size=alpha.shape))
        with tf.GradientTape() as tape:
            tape.watch(alpha.value)
            weights = supernet.operation_weights()["normal"]
            total = tf.reduce_sum(weights * tf.random.stateless_normal(weights.shape, (1, 2)))
        powers = np.where(mask, np.exp(alpha.numpy()), 0)
        np.testing.assert_allclose(weights, powers / powers.sum(1, keepdims=True), rtol=1e-6)
        gradient = tape.gradient(total, alpha.value).numpy()
        assert (weights.numpy()[~mask] == 0).all() and (gradient[~mask] == 0).all()
        assert (gradient[mask.sum(1) > 1][mask[mask.sum(1) > 1]] != 0).all()

    def test_it_is_the_supernet_of_all_operations_with_the_others_at_zero(self, small_space):
        few = self.supernet(small_space)
        every = Supernet(small_space, **SMALL, batched=False)
        every.stem.set_weights(few.stem.get_weights())
        every.head.set_weights(few.head.get_weights())
        for mine, its in zip(few.cells, every.cells, strict=True):
            for own, other in zip(mine.preprocess, its.preprocess, strict=True):
                other.set_weights(own.get_weights())
            for own, other in zip(mine.edges, its.edges, strict=True):
                for name, layer in zip(own.operations, own.candidates, strict=True):
                    other.candidates[other.operations.index(name)].set_weights(layer.get_weights())
        for name, variables in few.architecture.parameters.items():
            alpha = np.where(few.space.mask(name), variables["alpha"], -1e9)
            every.architecture.parameters[name]["alpha"].assign(alpha)
        np.testing.assert_allclose(every(images()), few(images()), rtol=1e-4, atol=1e-6)
        assert count(few.weight_variables) < count(every.weight_variables)

    def test_file(self, small_space, tmp_path):
        supernet = self.supernet(small_space)
        supernet.save(tmp_path / "supernet.keras")
        loaded = keras.saving.load_model(tmp_path / "supernet.keras")
        assert loaded.space == supernet.space
        np.testing.assert_array_equal(loaded(images()), supernet(images()))


class TestSkipDropout:
    def test_needs_a_seed_and_a_rate(self, small_space):
        supernet, seed = Supernet(small_space, **SMALL, skip_dropout=True), tf.constant([1, 2])
        assert supernet.draws("weights") and supernet.draws("architecture")
        without = supernet(images(), training=True)
        np.testing.assert_array_equal(supernet(images(), training=True, seed=seed), without)
        supernet.architecture.skip_dropout.assign(0.5)
        np.testing.assert_array_equal(supernet(images(), training=True), without)
        dropped = supernet(images(), training=True, seed=seed)
        assert np.abs(dropped - without).max() > 1e-3
        np.testing.assert_array_equal(supernet(images(), training=True, seed=seed), dropped)
        other = supernet(images(), training=True, seed=seed + 1)
        assert np.abs(dropped - other).max() > 1e-3

    def test_is_not_there_unless_asked_for(self, supernet):
        assert supernet.architecture.skip_dropout is None and not supernet.draws("weights")


@pytest.mark.parametrize("size", [(7, 9), (5, 5), (1, 1)])
def test_odd_sizes(size):
    supernet = make(input_shape=(*size, 3))
    assert supernet(np.ones((2, *size, 3), "float32"), training=True).shape == (2, 3)


def test_fit_passes_the_alphas_by():
    supernet = make()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    supernet.compile("adam", loss, run_eagerly=True)
    alphas = [a.numpy() for a in supernet.architecture_variables]
    weights = [w.numpy() for w in supernet.weight_variables]
    supernet.fit(images(8), np.arange(8) % 3, batch_size=8, epochs=1, verbose=0)
    for alpha, before in zip(supernet.architecture_variables, alphas, strict=True):
        np.testing.assert_array_equal(alpha, before)
    moved = [
        not np.array_equal(w, before)
        for w, before in zip(supernet.weight_variables, weights, strict=True)
    ]
    assert all(moved)


def test_file(supernet, tmp_path):
    x = images()
    supernet(x, training=True)
    supernet.architecture.parameters["normal"]["alpha"].assign_add(np.eye(14, 8))
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    assert isinstance(loaded, Supernet)
    for alpha, other in zip(
        supernet.architecture_variables, loaded.architecture_variables, strict=True
    ):
        np.testing.assert_array_equal(alpha, other)
    np.testing.assert_array_equal(loaded(x), supernet(x))
    assert len(loaded.weight_variables) == len(supernet.weight_variables)


def test_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        supernet = make()
        logits = supernet(images(), training=True)
        assert all(w.dtype == "float32" for w in supernet.operation_weights().values())
    finally:
        keras.config.set_dtype_policy(before)
    assert supernet.cells[0].compute_dtype == "bfloat16"
    assert logits.dtype == "float32"
    assert {a.dtype for a in supernet.architecture_variables} == {"float32"}
    assert {w.dtype for w in supernet.weight_variables} == {"float32"}


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"channels": 1}, "channels must be at least 2, got 1"),
        ({"num_classes": 0}, "num_classes must be at least 1, got 0"),
        ({"cells": 2}, "cells must be at least 3"),
        ({"relaxation": "hard"}, "unknown relaxation 'hard'; expected one of softmax"),
    ],
)
def test_bad_arguments(changes, reason):
    with pytest.raises(UserError, match=reason):
        make(**changes)


def test_bad_spaces():
    with pytest.raises(UserError, match="unknown search space 'resnet'; expected one of darts_cnn"):
        Supernet("resnet", (8, 8, 1), 3)
    with pytest.raises(UserError, match="'nasnet' holds cells that were found elsewhere"):
        Supernet("nasnet", (8, 8, 1), 3)
    assert "nasnet" not in spaces.names(searchable_only=True)


def test_fixed_entries_take_the_place_of_weights(tiny_space):
    supernet = Supernet(tiny_space, (6, 6, 1), 3, channels=2, cells=3, decisions=True)
    free = [v.numpy() for v in supernet.operation_weights().values()]
    plain = Supernet(tiny_space, (6, 6, 1), 3, channels=2, cells=3)
    np.testing.assert_array_equal(free[0], plain.operation_weights()["normal"])
    supernet.architecture.fixed["normal"].assign([[-1.0, -1.0, -1.0], [0.0, 0.0, 1.0]])
    for weights in (supernet.operation_weights(), supernet.architecture.drawn_weights()):
        np.testing.assert_array_equal(weights["normal"][1], [0, 0, 1])
        np.testing.assert_array_equal(weights["normal"][0], free[0][0])
        np.testing.assert_array_equal(weights["reduce"], free[1])
    alpha = supernet.architecture.parameters["normal"]["alpha"]
    with tf.GradientTape() as tape:
        tape.watch(alpha.value)
        value = tf.reduce_sum(
            supernet.architecture.drawn_weights()["normal"] * np.arange(6.0).reshape(2, 3)
        )
    slope = tape.gradient(value, alpha.value).numpy()
    assert np.abs(slope[0]).max() > 0.3 and not slope[1].any()
    assert not any(
        v is f for v in supernet.trainable_variables for f in supernet.architecture.fixed.values()
    )
