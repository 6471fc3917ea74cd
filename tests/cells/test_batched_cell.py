"""Tests of the batched cell: the same function as the plain one, with the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import operations, spaces
from darts_tf.cells.batched_cell import BatchedMixedCell, _longer_axis, from_plain, to_plain
from darts_tf.cells.batched_convolutions import BatchedPointwise, grouped_gradients_work
from darts_tf.cells.batched_operations import PerEdge
from darts_tf.cells.cell import MixedCell
from darts_tf.supernets.conversion import convert
from darts_tf.supernets.supernet import Supernet
from tests.shapes_only import count, shapes_only

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
KINDS = {
    "normal": {},
    "after a reduction": {"reduction_before": True},
    "reduction": {"reduction": True},
}


@pytest.fixture
def precision(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


@pytest.fixture
def make_space(monkeypatch):
    def make(*names, nodes=2):
        space = spaces.Space(name="small", operations=names, nodes=nodes)
        monkeypatch.setitem(spaces._SPACES._entries, "small", space)
        return "small"

    return make


def make_cells(space, size=(6, 6), channels=3, **kwargs):
    """A plain and a batched cell with the same weights."""
    keras.utils.set_random_seed(1)
    shapes = input_shapes(size, **kwargs)
    plain, batched = (kind(space, channels, **kwargs) for kind in (MixedCell, BatchedMixedCell))
    for cell in (plain, batched):
        cell.build(shapes)
    for weight in plain.weights:
        # Every moving statistic is its own, except those that all edges share.
        if "moving" in weight.name and weight is not shared_statistic(plain, weight):
            weight.assign(np.random.uniform(0.5, 2, weight.shape))
    from_plain(plain, batched)
    return plain, batched


def shared_statistic(plain, weight):
    """The weight itself if it stands behind a pooling, else None."""
    pools = [
        candidate
        for edge in plain.edges
        for candidate in edge.candidates
        if isinstance(getattr(candidate, "layer", None), operations.Pooling)
    ]
    return next((w for pool in pools for w in pool.weights if w is weight), None)


def input_shapes(size, reduction_before=False, **_):
    first = tuple((2 if reduction_before else 1) * n for n in size)
    return [(4, *first, 5), (4, *size, 5)]


def make_inputs(space, dtype, size=(6, 6), **kwargs):
    """Two images and the operation weights."""
    rng = np.random.default_rng(3)
    shapes = input_shapes(size, **kwargs)
    edges = len(spaces.get(space).edges), len(spaces.get(space).operations)
    return [tf.constant(rng.normal(size=shape), dtype) for shape in (*shapes, edges)]


def derivatives(cell, inputs):
    """Outputs, then the gradients, then the gradients of one directional derivative.

    Gradients are those in the inputs and in the trainable variables. The direction is a function
    of each number, so that it is the same one whatever the layout of the weights.
    """
    variables = [v.value for v in cell.trainable_variables]
    at = [*inputs, *variables]
    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            outputs = cell(inputs[:2], inputs[2], training=True)
            loss = tf.reduce_sum(tf.sin(outputs + tf.range(outputs.shape[-1], dtype=outputs.dtype)))
        first = inner.gradient(loss, at)
        directions = [tf.cos(10 * tf.stop_gradient(tf.convert_to_tensor(x))) for x in at]
        along = tf.add_n([tf.reduce_sum(g * v) for g, v in zip(first, directions, strict=True)])
    return outputs, first, outer.gradient(along, at)


def in_batched_layout(plain, batched, values):
    """Values of the plain cell's trainable variables, as the batched cell would hold them."""
    by_weight = {id(w): v for w, v in zip(plain.trainable_variables, values, strict=True)}
    parts = {id(own): (own, others) for own, others in batched.matching_weights(plain)}
    joined = []
    for variable in batched.trainable_variables:
        own, others = parts[id(variable)]
        arrays = [by_weight[id(other)].numpy() for other in others]
        axis = _longer_axis(own, others)
        assert axis is not None or len(others) == 1
        joined.append(arrays[0] if axis is None else np.concatenate(arrays, axis))
    return joined


def assert_close(actual, expected, tolerance):
    actual, expected = (keras.ops.convert_to_numpy(x) for x in (actual, expected))
    assert actual.shape == expected.shape
    assert np.abs(expected).max() > 0
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


def assert_parity(plain, batched, inputs, tolerance):
    """Same outputs, gradients, second-order gradients and moving statistics."""
    wanted, got = (derivatives(cell, inputs) for cell in (plain, batched))
    assert_close(got[0], wanted[0], tolerance)
    for order in (1, 2):
        slack = tolerance * 10 ** (order - 1)
        expected = [
            *wanted[order][:3],
            *in_batched_layout(plain, batched, wanted[order][3:]),
        ]
        for one, other in zip(got[order], expected, strict=True):
            assert_close(one, other, slack)
    for own, others in batched.matching_weights(plain):
        if "moving" in own.name:
            axis = _longer_axis(own, others)
            joined = (
                others[0]
                if axis is None
                else np.concatenate([other.numpy() for other in others], axis)
            )
            assert_close(own, joined, tolerance)


@pytest.mark.parametrize("precision", TOLERANCE, indirect=True)
@pytest.mark.parametrize("kind", KINDS)
def test_parity_with_the_plain_cell(make_space, precision, kind):
    space = make_space(*spaces.get("darts_cnn").operations)
    plain, batched = make_cells(space, **KINDS[kind])
    inputs = make_inputs(space, precision, **KINDS[kind])
    before = plain(inputs[:2], inputs[2], training=False)
    assert_close(batched(inputs[:2], inputs[2], training=False), before, TOLERANCE[precision])
    assert_parity(plain, batched, inputs, TOLERANCE[precision])
    # The moving statistics have moved, in both.
    after = plain(inputs[:2], inputs[2], training=False)
    assert np.abs(after - before).max() > 0.01
    assert_close(batched(inputs[:2], inputs[2], training=False), after, TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["float64"], indirect=True)
@pytest.mark.parametrize("reduction", [False, True])
def test_parity_on_odd_sizes(make_space, precision, reduction):
    space = make_space("none", "avg_pool_3x3", "skip_connect", "dil_conv_5x5", nodes=3)
    plain, batched = make_cells(space, size=(7, 5), reduction=reduction)
    inputs = make_inputs(space, precision, size=(7, 5))
    assert_parity(plain, batched, inputs, TOLERANCE[precision])


@pytest.mark.parametrize("precision", ["float64"], indirect=True)
def test_operations_that_are_not_batched_are_computed_edge_by_edge(make_space, precision):
    space = make_space("sep_conv_7x7", "conv_3x1_1x3", "none", "skip_connect")
    plain, batched = make_cells(space, reduction=True)
    groups = [type(group) for group in batched.operations[0].groups]
    assert groups.count(PerEdge) == 1
    assert len(groups) == 3
    assert_parity(plain, batched, make_inputs(space, precision), TOLERANCE[precision])


def test_a_space_of_none_gives_zeros(make_space):
    space = make_space("none")
    _, batched = make_cells(space, reduction=True)
    inputs = make_inputs(space, "float32")
    outputs = batched(inputs[:2], inputs[2])
    assert outputs.shape == (4, 3, 3, 6)
    assert not np.any(outputs)


@pytest.mark.parametrize("reduction", [False, True])
def test_weights_survive_the_way_there_and_back(make_space, reduction):
    space = make_space(*spaces.get("darts_cnn").operations)
    plain, batched = make_cells(space, reduction=reduction)
    other = MixedCell(space, 3, reduction=reduction)
    other.build(input_shapes((6, 6)))
    before = [w.numpy() for w in plain.weights]
    to_plain(batched, other)
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))
    assert sum(w.numpy().size for w in batched.trainable_variables) == sum(
        w.numpy().size for w in plain.trainable_variables
    )


def test_initial_weights_have_the_plain_layers_bounds():
    cell = BatchedMixedCell("darts_cnn", 8)
    cell.build([(None, 8, 8, 8)] * 2)
    block = cell.operations[0].groups[1].batched[1].first
    assert block.depthwise.kernel_size == 5
    for kernel, bound in (
        (block.depthwise.kernel, 1 / 5),
        (block.pointwise.kernel, 1 / np.sqrt(8)),
    ):
        assert kernel.shape[2:] in ((32, 1), (8, 32))
        largest = np.abs(kernel.numpy()).max()
        assert 0.95 * bound < largest <= bound * (1 + 1e-6)


def test_pointwise_without_grouped_gradients(monkeypatch):
    layer = BatchedPointwise(3)
    inputs = tf.constant(np.random.default_rng(0).normal(size=(2, 3, 3, 12)), tf.float32)
    layer.build(inputs.shape)
    parts = [
        tf.nn.conv2d(x, k, 1, "SAME")
        for x, k in zip(tf.split(inputs, 3, -1), tf.split(layer.kernel, 3, -1), strict=True)
    ]
    assert_close(layer(inputs), tf.concat(parts, -1), 1e-6)
    module = "darts_tf.cells.batched_convolutions.grouped_gradients_work"
    monkeypatch.setattr(module, lambda dtype: False)
    assert_close(layer(inputs), tf.concat(parts, -1), 1e-6)


def test_grouped_gradients_are_probed():
    def differentiate(dtype):
        inputs, kernel = tf.ones([2, 3, 3, 6], dtype), tf.ones([1, 1, 3, 6], dtype)
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            outputs = tf.nn.conv2d(inputs, kernel, 1, "SAME")
        return tape.gradient(outputs, [inputs, kernel])

    for dtype in ("float32", "float64"):
        if grouped_gradients_work(dtype):
            assert all(np.all(np.array(g) > 0) for g in differentiate(dtype))
        else:
            with pytest.raises(tf.errors.InvalidArgumentError):
                differentiate(dtype)


def test_supernet_is_batched_unless_told_otherwise(make_space):
    space = make_space("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3", nodes=1)
    batched = Supernet(space, (8, 8, 1), 10, channels=2, cells=3)
    assert isinstance(batched.cells[0], BatchedMixedCell)
    assert batched.get_config()["batched"] is True
    plain = convert(batched, batched=False)
    assert isinstance(plain.cells[0], MixedCell)
    again = convert(plain, batched=True)
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")
    for training in (True, False):
        wanted = batched(images, training=training)
        assert_close(plain(images, training=training), wanted, 1e-5)
        assert_close(again(images, training=training), wanted, 1e-5)


def test_batched_supernet_survives_a_file(make_space, tmp_path):
    space = make_space(*spaces.get("darts_cnn").operations, nodes=1)
    supernet = Supernet(space, (8, 8, 1), 10, channels=2, cells=3)
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype("float32")
    supernet(images, training=True)
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    assert isinstance(loaded.cells[1], BatchedMixedCell)
    np.testing.assert_array_equal(loaded(images), supernet(images))


def test_batched_supernet_has_the_papers_number_of_weights():
    supernet = shapes_only(lambda: Supernet("darts_cnn", (32, 32, 3), num_classes=10))
    assert count(supernet.weight_variables) == 1_930_618


def test_graph_is_small():
    supernet = Supernet("darts_cnn", (8, 8, 1), 10, channels=4, cells=3)
    forward = tf.function(lambda x: supernet(x, training=True), autograph=False)
    graph = forward.get_concrete_function(tf.TensorSpec((8, 8, 8, 1))).graph
    assert len(graph.get_operations()) < 3500
