"""Tests of the relaxed cells of PC-DARTS."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells.batched_cell import _longer_axis, from_plain
from darts_tf.cells.cell import MixedCell
from darts_tf.cells.partial_cell import BatchedPartialCell, PartialMixedCell, bypass, shuffle
from darts_tf.common.errors import UserError


def numbered(channels, size=2):
    return tf.tile(tf.range(float(channels))[None, None, None], [1, size, size, 1])


def test_shuffle_takes_the_channels_of_all_groups_in_turn():
    outputs = shuffle(numbered(8), 4)
    np.testing.assert_array_equal(outputs[0, 0, 0], [0, 2, 4, 6, 1, 3, 5, 7])
    np.testing.assert_array_equal(outputs[0, 1, 1], outputs[0, 0, 0])


@pytest.mark.parametrize("channels, groups", [(8, 4), (12, 4), (6, 1), (6, 6)])
def test_shuffle_has_an_inverse(channels, groups):
    inputs = numbered(channels)
    again = shuffle(shuffle(inputs, groups), channels // groups)
    np.testing.assert_array_equal(again, inputs)


def test_bypass_is_the_identity_or_the_largest_of_four_pixels():
    inputs = tf.reshape(tf.range(-25.0, 0.0), [1, 5, 5, 1])
    assert bypass(inputs, 1) is inputs
    outputs = bypass(inputs, 2)
    np.testing.assert_array_equal(
        outputs[0, :, :, 0], [[-19, -17, -16], [-9, -7, -6], [-4, -2, -1]]
    )


def make_weights(edges, operations):
    rng = np.random.default_rng(1)
    return [
        tf.constant(rng.uniform(0.2, 1, shape), tf.float32)
        for shape in ((edges, operations), (edges,))
    ]


def make_inputs(channels):
    rng = np.random.default_rng(0)
    return [tf.constant(rng.normal(size=(3, 6, 6, channels)), tf.float32) for _ in range(2)]


def differentiate(cell, inputs, weights):
    variables = [v.value for v in cell.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([*inputs, *weights])
        outputs = cell(inputs, weights, training=True)
        loss = tf.reduce_sum(tf.sin(outputs + tf.range(outputs.shape[-1], dtype=tf.float32)))
    return outputs, tape.gradient(loss, [*inputs, *weights, *variables])


def assert_close(actual, expected, tolerance=1e-5):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(expected).max() > 0
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("reduction", [False, True])
def test_batched_parity_with_the_plain_cell(small_space, reduction):
    cells = [kind(small_space, 8, reduction) for kind in (PartialMixedCell, BatchedPartialCell)]
    for cell in cells:
        cell.build([(3, 6, 6, 5)] * 2)
    plain, batched = cells
    from_plain(plain, batched)
    inputs, weights = make_inputs(5), make_weights(5, 5)
    (wanted, expected), (got, gradients) = (differentiate(c, inputs, weights) for c in cells)
    assert got.shape == (3, 3, 3, 16) if reduction else (3, 6, 6, 16)
    assert got.shape == batched.compute_output_shape([x.shape for x in inputs])
    assert_close(got, wanted)
    for one, other in zip(gradients[:4], expected[:4], strict=True):
        assert_close(one, other, 3e-5)
    by_weight = dict(zip(map(id, plain.trainable_variables), expected[4:], strict=True))
    own = dict(zip(map(id, batched.trainable_variables), gradients[4:], strict=True))
    for variable, others in batched.matching_weights(plain):
        if id(variable) in own:
            values = [by_weight[id(other)] for other in others]
            axis = _longer_axis(variable, values)
            joined = values[0] if axis is None else np.concatenate(values, axis)
            assert_close(own[id(variable)], joined, 3e-5)


def test_an_edge_by_hand(tiny_space):
    """A node of skip connections: each channel is weighted by its edge and shuffled."""
    cell = PartialMixedCell(tiny_space, 8)
    cell.build([(3, 6, 6, 5)] * 2)
    inputs = make_inputs(5)
    of_operations = tf.constant([[0, 0.5, 0], [0, 0.25, 0]])
    outputs = cell(inputs, [of_operations, tf.constant([0.75, 0.25])])
    states = [layer(x) for layer, x in zip(cell.preprocess, inputs, strict=True)]
    expected = 0
    for state, edge, operation in zip(states, (0.75, 0.25), (0.5, 0.25), strict=True):
        factors = np.array([operation] * 2 + [1] * 6, "float32")
        expected += edge * np.asarray(state * factors)[..., [0, 2, 4, 6, 1, 3, 5, 7]]
    assert_close(outputs, expected)


def test_all_channels_and_equal_edges_are_darts(small_space):
    keras.utils.set_random_seed(0)
    mixed, partial = (
        MixedCell(small_space, 2, True),
        PartialMixedCell(small_space, 2, True, portion=1),
    )
    for cell in (mixed, partial):
        cell.build([(3, 6, 6, 5)] * 2)
    partial.set_weights(mixed.get_weights())
    inputs, (weights, _) = make_inputs(5), make_weights(5, 5)
    for cell_inputs in (inputs, [x[:, :5, :5] for x in inputs]):
        assert_close(partial(cell_inputs, [weights, tf.ones(5)]), mixed(cell_inputs, weights))
    batched = BatchedPartialCell(small_space, 2, True, portion=1)
    batched.build([(3, 6, 6, 5)] * 2)
    from_plain(mixed, batched)
    assert_close(batched(inputs, [weights, tf.ones(5)]), mixed(inputs, weights))


@pytest.mark.parametrize("kind", [PartialMixedCell, BatchedPartialCell])
def test_portion_must_divide_the_channels(tiny_space, kind):
    with pytest.raises(UserError, match="4 must divide the channels of every cell; got 6"):
        kind(tiny_space, 6)


@pytest.mark.parametrize("kind", [PartialMixedCell, BatchedPartialCell])
def test_portion_survives_a_configuration(tiny_space, kind):
    cell = kind(tiny_space, 6, reduction=True, portion=3)
    again = kind.from_config(cell.get_config())
    assert again.portion == 3
    assert again.reduction
    assert again.get_config()["portion"] == 3
