"""The loop over the steps of a sequence."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Steps(NamedTuple):
    """The result of a loop over time.

    Attributes:
        outputs: of all steps, `[time, batch, units]`.
        output, state: behind the last step, `[batch, units]`.
    """

    outputs: tf.Tensor
    output: tf.Tensor
    state: tf.Tensor


def run(step: Callable, inputs, state, mask=None, unroll: bool = False) -> Steps:
    """Runs the steps of a batch of sequences.

    An example that does not have a step keeps its state, and its output, which is zeros before its
    first one.

    Args:
        step: `(inputs of the step, state, valid) -> state`, where valid is `[batch, 1]` or None as
            the mask.
        inputs: `[time, batch, ...]`.
        state: `[batch, units]`.
        mask: which examples have which steps, booleans `[time, batch]`; None if all have all.
        unroll: whether the steps are unrolled in the graph, whose length must then be known,
            instead of a loop in it, which is traced once.
    """
    length = inputs.shape[0] or tf.shape(inputs)[0]

    def advance(x, valid, state, output):
        new = step(x, state, valid)
        if valid is None:
            return new, new
        return tf.where(valid, new, state), tf.where(valid, new, output)

    mask = None if mask is None else mask[..., None]
    carried = state, tf.zeros_like(state)
    if unroll:
        outputs = []
        for time, x in enumerate(tf.unstack(inputs)):
            valid = None if mask is None else mask[time]
            carried = advance(x, valid, *carried)
            outputs.append(carried[1])
        return Steps(tf.stack(outputs), carried[1], carried[0])

    # Arrays and not slices, whose gradients would be as large as the whole sequence at each step.
    reads = tf.TensorArray(inputs.dtype, length).unstack(inputs)
    writes = tf.TensorArray(state.dtype, length, element_shape=state.shape)

    def body(time, writes, *carried):
        valid = None if mask is None else mask[time]
        state, output = advance(reads.read(time), valid, *carried)
        return time + 1, writes.write(time, output), state, output

    _, writes, state, output = tf.while_loop(
        lambda time, *_: time < length, body, (0, writes, *carried), maximum_iterations=length
    )
    return Steps(writes.stack(), output, state)
