"""The loop over the steps of a sequence."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Kept(NamedTuple):
    """How the statistics of the steps are averaged.

    Attributes:
        start: zeros of their shape.
        shares: the share of every step in the average, `[time]`.
    """

    start: tf.Tensor
    shares: tf.Tensor


class Steps(NamedTuple):
    """The result of a loop over time.

    Attributes:
        outputs: of all steps, `[time, batch, units]`.
        output, state: behind the last step, `[batch, units]`.
        statistics: the average of what the steps return beside the state; zeros if none is kept.
    """

    outputs: tf.Tensor
    output: tf.Tensor
    state: tf.Tensor
    statistics: tf.Tensor


def run(
    step: Callable, inputs, state, mask=None, kept: Kept | None = None, unroll: bool = False
) -> Steps:
    """Runs the steps of a batch of sequences.

    An example that does not have a step keeps its state, and its output, which is zeros before its
    first one.

    Args:
        step: `(inputs of the step, state, valid) -> (state, statistics)`, where valid is
            `[batch, 1]` or None as the mask.
        inputs: `[time, batch, ...]`.
        state: `[batch, units]`.
        mask: which examples have which steps, booleans `[time, batch]`; None if all have all.
        kept: how the statistics are averaged; None to keep none.
        unroll: whether the steps are unrolled in the graph, whose length must then be known,
            instead of a loop in it, which is traced once.
    """
    length = inputs.shape[0] or tf.shape(inputs)[0]

    def advance(time, x, valid, state, output, average):
        new, statistics = step(x, state, valid)
        if kept is not None:
            average += kept.shares[time] * statistics
        if valid is None:
            return new, new, average
        return tf.where(valid, new, state), tf.where(valid, new, output), average

    mask = None if mask is None else mask[..., None]
    carried = state, tf.zeros_like(state), tf.zeros(()) if kept is None else kept.start
    if unroll:
        outputs = []
        for time, x in enumerate(tf.unstack(inputs)):
            valid = None if mask is None else mask[time]
            carried = advance(time, x, valid, *carried)
            outputs.append(carried[1])
        return Steps(tf.stack(outputs), carried[1], carried[0], carried[2])

    # Arrays and not slices, whose gradients would be as large as the whole sequence at each step.
    reads = tf.TensorArray(inputs.dtype, length).unstack(inputs)
    writes = tf.TensorArray(state.dtype, length, element_shape=state.shape)

    def body(time, writes, *carried):
        valid = None if mask is None else mask[time]
        state, output, average = advance(time, reads.read(time), valid, *carried)
        return time + 1, writes.write(time, output), state, output, average

    _, writes, state, output, average = tf.while_loop(
        lambda time, *_: time < length, body, (0, writes, *carried), maximum_iterations=length
    )
    return Steps(writes.stack(), output, state, average)
