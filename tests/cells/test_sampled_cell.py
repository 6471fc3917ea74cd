"""Tests of the cell that computes only sampled operations, against the plain relaxed cell."""

import gc
import types
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.cells.batched_cell import BatchedMixedCell, _longer_axis, from_plain
from darts_tf.cells.cell import MixedCell
from darts_tf.cells.sampled_cell import SampledCell
from darts_tf.common.errors import UserError
from darts_tf.operations import operation as registry

ALL = spaces.get("darts_cnn").operations
SHAPES = [(4, 6, 6, 5), (4, 6, 6, 5)]


@pytest.fixture
def make_space(monkeypatch):
    def make(*names, nodes=2):
        space = spaces.Space(name="sampled", operations=names, nodes=nodes)
        monkeypatch.setitem(spaces._SPACES._entries, "sampled", space)
        return "sampled"

    return make


def make_cells(space, channels=3, **kwargs):
    """A plain and a sampled cell with the same weights; every statistic is its own."""
    keras.utils.set_random_seed(1)
    plain, sampled = (kind(space, channels, **kwargs) for kind in (MixedCell, SampledCell))
    for cell in (plain, sampled):
        cell.build(SHAPES)
    rng = np.random.default_rng(2)
    for own, others in sampled.matching_weights(plain):
        if "moving" in own.name:
            shared = len(others) > 1 and _longer_axis(own, others) is None
            value = rng.uniform(0.5, 2, own.shape)
            for other in others:
                other.assign(value if shared else rng.uniform(0.5, 2, other.shape))
    from_plain(plain, sampled)
    return plain, sampled


def one_hot(space, choices, scales=None):
    weights = np.eye(len(spaces.get(space).operations), dtype="float32")[np.asarray(choices)]
    return tf.constant(weights if scales is None else weights * scales[:, None], tf.float32)


def make_inputs():
    rng = np.random.default_rng(3)
    return [tf.constant(rng.normal(size=shape), tf.float32) for shape in SHAPES]


def differentiated(cell):
    """`(inputs, weights) ->` output and the gradients in inputs, weights and variables."""

    @tf.function(autograph=False)
    def run(inputs, weights):
        variables = [v.value for v in cell.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch([*inputs, weights])
            outputs = cell(inputs, weights, training=True)
            loss = tf.reduce_sum(tf.sin(outputs + tf.range(outputs.shape[-1], dtype=tf.float32)))
        return outputs, tape.gradient(
            loss, [*inputs, weights, *variables], unconnected_gradients="zero"
        )

    return run


def joined(own, values):
    """Values of the edges in the layout of the batched cell."""
    axis = _longer_axis(own, values)
    return np.asarray(values[0]) if axis is None else np.concatenate(values, axis)


def assert_close(actual, expected, tolerance=1e-5):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


def snapshot(cell):
    return {id(v): v.numpy() for v in cell.weights}


def restore(cell, values):
    for variable in cell.weights:
        variable.assign(values[id(variable)])


@pytest.mark.slow
def test_parity_with_the_plain_cell_for_every_operation_on_every_edge(make_space):
    """In a reduction cell, which has edges of both strides."""
    space = make_space(*ALL)
    plain, sampled = make_cells(space, reduction=True)
    runs = [differentiated(cell) for cell in (plain, sampled)]
    starts = [snapshot(cell) for cell in (plain, sampled)]
    inputs = make_inputs()
    rng = np.random.default_rng(4)
    for shift in range(len(ALL)):
        for cell, start in zip((plain, sampled), starts, strict=True):
            restore(cell, start)
        choices = (np.arange(5) + shift) % len(ALL)
        weights = one_hot(space, choices, rng.uniform(0.5, 2, 5))
        (wanted, expected), (got, gradients) = (run(inputs, weights) for run in runs)
        assert_close(got, wanted)
        for one, other in zip(gradients[:2], expected[:2], strict=True):
            assert_close(one, other)
        chosen = np.eye(len(ALL))[choices]
        assert_close(gradients[2], expected[2] * chosen)
        assert not np.any(gradients[2] * (1 - chosen))
        check_variables(plain, sampled, expected[3:], gradients[3:], choices, starts[1])
    assert runs[1].experimental_get_tracing_count() == 1


def check_variables(plain, sampled, expected, gradients, choices, start):
    """Right gradients and statistics of what was chosen, and nothing of the rest touched."""
    wanted = dict(zip(map(id, plain.trainable_variables), expected, strict=True))
    got = dict(zip(map(id, sampled.trainable_variables), gradients, strict=True))
    place = {
        id(weight): (e, k)
        for e, edge in enumerate(plain.edges)
        for k, candidate in enumerate(edge.candidates)
        for weight in candidate.weights
    }
    for own, others in sampled.matching_weights(plain):
        where = [place.get(id(other)) for other in others]
        used = [at is None or choices[at[0]] == at[1] for at in where]
        if id(own) in got:
            assert_close(got[id(own)], joined(own, [wanted[id(o)] for o in others]))
            axis = _longer_axis(own, others)
            parts = [got[id(own)]] if axis is None else np.split(got[id(own)], len(others), axis)
            assert [bool(np.any(part)) for part in parts] == used
            continue
        axis = _longer_axis(own, others)
        if axis is None:
            # One edge, or a pooling's statistics, which all edges share.
            assert_close(own, others[used.index(True)] if any(used) else start[id(own)])
            assert any(used) or np.array_equal(own, start[id(own)])
            continue
        now, before = (np.split(x, len(others), axis) for x in (own.numpy(), start[id(own)]))
        for other, is_used, value, old in zip(others, used, now, before, strict=True):
            assert_close(value, other if is_used else old)
            assert is_used or np.array_equal(value, old)


def test_twenty_architectures_in_one_graph(small_space):
    cell = SampledCell(small_space, 2)
    cell.build(SHAPES)
    run = differentiated(cell)
    rng = np.random.default_rng(0)
    inputs, outputs, counts = make_inputs(), [], []
    for _ in range(20):
        output, _ = run(inputs, one_hot(small_space, rng.integers(0, 5, 5)))
        outputs.append(output.numpy())
        counts.append(sum(sampled.trace_count() for sampled in cell.sampled_operations))
    assert run.experimental_get_tracing_count() == 1
    # A forward and a backward pass; all three states have one shape.
    assert len(set(map(id, cell.sampled_operations))) == 1
    assert set(counts) == {2 * len(cell.sampled_operations)}
    assert len({output.tobytes() for output in outputs}) > 15


def test_none_on_all_edges_into_a_node_gives_zeros(small_space):
    cell = SampledCell(small_space, 2, reduction=True)
    cell.build(SHAPES)
    run = differentiated(cell)
    outputs, gradients = run(make_inputs(), one_hot(small_space, [0, 0, 4, 2, 4]))
    assert outputs.shape == (4, 3, 3, 4)
    assert not np.any(outputs[..., :2])
    assert np.any(outputs[..., 2:])
    assert all(np.all(np.isfinite(g)) for g in gradients)
    outputs, gradients = run(make_inputs(), one_hot(small_space, [0] * 5))
    assert not np.any(outputs)
    assert not any(np.any(g) for g in gradients)


def test_inference_leaves_the_statistics(small_space):
    plain, sampled = make_cells(small_space)
    before = snapshot(sampled)
    weights = one_hot(small_space, [1, 2, 3, 4, 3])
    inputs = make_inputs()
    assert_close(sampled(inputs, weights), plain(inputs, weights))
    assert all(np.array_equal(v, before[id(v)]) for v in sampled.weights)


def test_weights_are_those_of_the_batched_cell(small_space):
    sampled, batched = (kind(small_space, 2) for kind in (SampledCell, BatchedMixedCell))
    for cell in (sampled, batched):
        cell.build(SHAPES)
    batched.set_weights(sampled.get_weights())
    weights = one_hot(small_space, [4, 3, 2, 1, 3])
    inputs = make_inputs()
    assert_close(batched(inputs, weights), sampled(inputs, weights))


def test_one_seed_gives_one_start_whatever_was_built_before(tiny_space):
    def start():
        keras.utils.set_random_seed(5)
        cells = [SampledCell(tiny_space, 2) for _ in range(2)]
        for cell in cells:
            cell.build(SHAPES)
        return cells

    first = start()
    assert first[0].sampled_operations[0] is first[1].sampled_operations[0]
    # The second time everything is shared with the first.
    for one, other in zip(first, start(), strict=True):
        assert other.sampled_operations[0] is one.sampled_operations[0]
        for mine, its in zip(one.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, its)


def test_what_is_shared_is_freed(make_space):
    cell = SampledCell(make_space("none", "sep_conv_7x7"), 2)
    cell.build(SHAPES)
    cell(make_inputs(), one_hot("sampled", [1] * 5), training=True)
    sampled = weakref.ref(cell.sampled_operations[0])
    del cell
    gc.collect()
    assert sampled() is None


@pytest.fixture
def register(monkeypatch):
    def register(name, operation):
        monkeypatch.setitem(registry._REGISTRY._entries, name, operation)

    return register


def test_an_operation_of_ones_own(make_space, register):
    def biased(channels, strides=1, affine=True):
        return keras.layers.Conv2D(channels, 1, strides=strides, bias_initializer="ones")

    register("biased", biased)
    space = make_space("none", "biased", "skip_connect")
    plain, sampled = make_cells(space)
    weights = one_hot(space, [1, 2, 1, 1, 2])
    wanted, got = (differentiated(cell)(make_inputs(), weights) for cell in (plain, sampled))
    assert_close(got[0], wanted[0])
    by_weight = dict(zip(map(id, plain.trainable_variables), wanted[1][3:], strict=True))
    own = dict(zip(map(id, sampled.trainable_variables), got[1][3:], strict=True))
    for variable, others in sampled.matching_weights(plain):
        if id(variable) in own:
            assert_close(own[id(variable)], joined(variable, [by_weight[id(o)] for o in others]))


def test_an_operation_with_a_random_state_is_refused(make_space, register):
    register("noisy", lambda channels, strides=1, affine=True: keras.layers.Dropout(0.5))
    cell = SampledCell(make_space("none", "noisy"), 2)
    with pytest.raises(UserError, match="random state"):
        cell.build(SHAPES)


def test_several_replicas_are_refused(tiny_space, monkeypatch):
    cell = SampledCell(tiny_space, 2)
    cell.build(SHAPES)
    replica = types.SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: replica)
    with pytest.raises(UserError, match="one device, got 2"):
        cell(make_inputs(), one_hot(tiny_space, [1, 1]))


def test_operations_can_be_chosen_with_a_new_definition(make_space, register):
    for units in (1.0, 2.0):
        register("times", _times(units))
        cell = SampledCell(make_space("none", "times", nodes=1), 3)
        cell.build(SHAPES)
        inputs = make_inputs()
        outputs = cell(inputs, one_hot("sampled", [1, 0]))
        assert_close(outputs, units * cell.preprocess[0](inputs[0]))


def _times(units):
    def make(channels, strides=1, affine=True):
        return keras.layers.Rescaling(units)

    return make
