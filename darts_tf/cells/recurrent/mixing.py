"""The value of a node of a relaxed recurrent cell, as its definition says and computed fast.

    s_i = sum_j sum_o p_{ij,o} (s_j + c_j (f_o(h_j) - s_j)),  [c_j, h_j] = split((s_j * m) W_i)

with c_j behind a sigmoid (Liu, Simonyan, Yang, ICLR 2019, section 3.1 and appendix A.2.1, and the
authors' code): a highway connection past every operation. W_i is shared by all predecessors j and
all operations o. `none` adds nothing, though it takes its share of the softmax.
"""

import tensorflow as tf

from darts_tf.cells.recurrent.activations import activation


def defined(states, kernel, mixture, operations, mask=None) -> tf.Tensor:
    """A node by its definition: a sum over the predecessors and the operations.

    Args:
        states: the predecessors, each `[batch, units]`.
        kernel: W_i, `[units, 2 * units]`.
        mixture: the operation weights of the edges from them, `[predecessors, operations]`.
        operations: the names of the operations.
        mask: of the states, `[batch, units]`, see `RecurrentLayer`; None for none.

    Returns:
        `[batch, units]`.
    """
    terms = [tf.zeros_like(states[0])]
    for state, row in zip(states, tf.unstack(mixture), strict=True):
        for name, weight in zip(operations, tf.unstack(row), strict=True):
            if (function := activation(name)) is not None:
                terms.append(weight * highway(state, *gate(state, kernel, mask), function))
    return tf.add_n(terms)


def gate(state, kernel, mask=None) -> tuple[tf.Tensor, tf.Tensor]:
    """[c, h] = split((state * mask) kernel), c behind a sigmoid.

    Args:
        state: `[..., units]`.
        kernel: `[units, 2 * units]`.
        mask: what the state is multiplied by; None for 1.
    """
    masked = state if mask is None else state * mask
    c, h = tf.split(tf.linalg.matmul(masked, kernel), 2, axis=-1)
    return tf.sigmoid(c), h


def highway(state, c, h, function) -> tf.Tensor:
    """state + c * (function(h) - state)."""
    return state + c * (function(h) - state)


def stacked(states, kernel, mixture, operations, mask=None) -> tf.Tensor:
    """The same as `defined`, with all predecessors multiplied by the kernel at once.

    With P_j = sum of p_{ij,o} over the operations other than `none`,

        s_i = sum_j (P_j s_j + c_j (sum_o p_{ij,o} f_o(h_j) - P_j s_j)).
    """
    count, units = len(states), kernel.shape[0]
    together = tf.stack(states)
    masked = together if mask is None else together * mask
    product = tf.linalg.matmul(tf.reshape(masked, [-1, units]), kernel)
    c, h = tf.split(tf.reshape(product, [count, -1, 2 * units]), 2, axis=-1)
    candidates = [(k, f) for k, f in enumerate(map(activation, operations)) if f is not None]
    # One operation with one gradient in place of a slice, and its padding, for each candidate.
    weights = tf.unstack(mixture[..., None, None], axis=1)
    mixed = tf.add_n([weights[k] * function(h) for k, function in candidates])
    straight = tf.add_n([weights[k] for k, _ in candidates]) * together
    return tf.reduce_sum(straight + tf.sigmoid(c) * (mixed - straight), axis=0)
