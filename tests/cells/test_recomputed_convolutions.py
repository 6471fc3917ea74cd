"""Convolutions whose gradients compute what is between them again: the same, with less kept."""

import collections
import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.cells import recomputed_convolutions
from darts_tf.cells.batched_convolutions import BatchedNormalization
from darts_tf.cells.batched_operations import DilatedConvolutions, SeparableConvolutions
from darts_tf.common.constant_weights import constant_weights
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.runtime.shared_traces import SharedTraces

EDGES, CHANNELS = 2, 4
GROUPS = {
    "separable": (SeparableConvolutions, ["sep_conv_3x3", "sep_conv_5x5"], 1, (6, 6)),
    "with strides": (SeparableConvolutions, ["sep_conv_3x3", "sep_conv_5x5"], 2, (6, 6)),
    "dilated": (DilatedConvolutions, ["dil_conv_3x3", "dil_conv_5x5"], 1, (6, 6)),
    "of odd sizes": (DilatedConvolutions, ["dil_conv_3x3", "dil_conv_5x5"], 1, (5, 5)),
}


def make(name, policy="float32"):
    """A group of operations and its inputs."""
    kind, operations, strides, size = GROUPS[name]
    keras.utils.set_random_seed(0)
    policy = keras.dtype_policies.get(policy)
    with inner_layers(policy):
        group = kind(operations, EDGES, CHANNELS, strides)
    group.build((None, *size, CHANNELS))
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(3, *size, CHANNELS)), policy.compute_dtype)
    scales = tf.constant(
        rng.uniform(0.5, 1, (len(operations), EDGES * CHANNELS)), policy.variable_dtype
    )
    return group, inputs, scales


def run(group, inputs, scales):
    outputs = group(inputs, tf.nn.relu(inputs), tf.unstack(scales), training=True)
    return tf.reduce_sum(tf.sin(tf.add_n(outputs)))


def derivatives(group, inputs, scales):
    """The value, its gradients in all, and the gradients of their norm; what moved."""
    before = group.get_weights()
    sources = [inputs, scales, *(v.value for v in group.trainable_variables)]
    with tf.GradientTape() as outer:
        outer.watch(sources)
        with tf.GradientTape() as inner:
            inner.watch(sources)
            value = run(group, inputs, scales)
        first = inner.gradient(value, sources)
        norm = tf.add_n([tf.reduce_sum(tf.cast(x, scales.dtype) ** 2) for x in first])
    second = outer.gradient(norm, sources)
    moved = group.get_weights()
    group.set_weights(before)
    return [value, *first, *second, *moved]


@pytest.mark.parametrize("name", GROUPS)
def test_derivatives_of_first_and_second_order(name, monkeypatch):
    group = make(name, "float64")
    found = derivatives(*group)
    monkeypatch.setattr(recomputed_convolutions, "_keeps", lambda training, linear: True)
    expected = derivatives(*group)
    assert all(np.abs(x).max() > 1e-4 for x in expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * np.abs(other).max())


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 0.02)])
def test_derivatives_by_the_fused_kernels(dtype, tolerance, monkeypatch):
    group = make("separable", dtype)
    found = derivatives(*group)
    monkeypatch.setattr(recomputed_convolutions, "_keeps", lambda training, linear: True)
    for one, other in zip(found, derivatives(*group), strict=True):
        one, other = (np.asarray(x, "float64") for x in (one, other))
        np.testing.assert_allclose(one, other, atol=tolerance * np.abs(other).max())


def kept(name, scope=contextlib.nullcontext):
    """Type -> number of the operations of a forward pass whose outputs its gradient reads."""
    group, inputs, scales = make(name)
    variables = [v.value for v in group.trainable_variables]
    forward = set()

    @tf.function(autograph=False)
    def step(inputs):
        with scope(), tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = run(group, inputs, scales)
        forward.update(tf.compat.v1.get_default_graph().get_operations())
        return tape.gradient(loss, [inputs, *variables])

    graph = step.get_concrete_function(tf.TensorSpec(inputs.shape)).graph
    later = set(graph.get_operations()) - forward
    read = {_source(x) for operation in later for x in operation.inputs if x.op in forward}
    return collections.Counter(operation.type for operation in read)


def _source(tensor):
    """The operation that a tensor is from, past those that only hand it on."""
    while tensor.op.type in ("Identity", "IdentityN"):
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor.op


@pytest.mark.parametrize("name", ["separable", "with strides", "dilated"])
def test_what_is_kept(name):
    found = kept(name)
    assert not set(found) & {"DepthwiseConv2dNative", "Tile", "Pad"}
    # Of the state, and none between two convolutions.
    assert found["Relu"] == 1 and found["Conv2D"] == (2 if name == "dilated" else 4)
    # Where the inside of a whole state is computed again nothing is twice.
    everything = kept(name, SharedTraces(recompute=True).active)
    assert everything["DepthwiseConv2dNative"] == found["Conv2D"]
    assert everything["Tile"] + everything["Pad"] > 0
    assert everything["Relu"] == (1 if name == "dilated" else 3)


def test_a_frozen_normalisation(monkeypatch):
    group, inputs, scales = make("separable", "float64")
    for layer in group._flatten_layers():
        if isinstance(layer, BatchedNormalization):
            layer.moving_mean.assign(np.linspace(-0.1, 0.1, EDGES * CHANNELS))
            layer.trainable = False
    found = derivatives(group, inputs, scales)
    monkeypatch.setattr(recomputed_convolutions, "_keeps", lambda training, linear: True)
    for one, other in zip(found, derivatives(group, inputs, scales), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * np.abs(other).max())


def test_constant_weights_keep_no_inputs_of_second_convolutions():
    assert kept("separable", constant_weights)["Relu"] == 1


def test_derivatives_with_constant_weights(monkeypatch):
    """Those in the inputs and in the operation weights; the others are left out."""

    def gradients():
        with tf.GradientTape() as tape, constant_weights():
            tape.watch([inputs, scales])
            value = run(group, inputs, scales)
        return tape.gradient(value, [inputs, scales])

    group, inputs, scales = make("separable", "float64")
    found = gradients()
    monkeypatch.setattr(recomputed_convolutions, "_keeps", lambda training, linear: True)
    for one, other in zip(found, gradients(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12 * np.abs(other).max())


def test_replicas_keep_everything():
    """As each would exchange the sums of its batch normalisation twice."""
    assert not recomputed_convolutions._keeps(True, linear=False)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        assert recomputed_convolutions._keeps(True, linear=False)
