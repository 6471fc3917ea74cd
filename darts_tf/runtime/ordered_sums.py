"""Sums of tensors whose order does not depend on which thread was the quickest.

TensorFlow's `AddN`, which is `tf.add_n` and the sum of all gradients of a tensor, writes into the
first of its inputs that nobody else needs any more and adds that one first. Whether somebody still
needs an input depends, where operations run at the same time, on who has finished by then: of three
and more inputs the sum is rounded in another way from run to run, with
`tf.config.experimental.enable_op_determinism` too (findings/tensorflow_add_n_order.sh). A search
and a training have thousands of such sums, and amplify a rounding until another cell is found.

So the first two inputs are a sum of their own here. Of two it does not matter which comes first,
and nobody else needs their sum, so that it is the first of the others in any case. The result is
that of `AddN` in the order of its inputs. `use` replaces TensorFlow's function in the process once,
because traces are made in many places, by users too, and sums of other programs are none the worse.
"""

import functools

import tensorflow as tf
from tensorflow.python.ops import gen_math_ops


def use() -> None:
    """From now on sums that are traced or computed are ordered."""
    if not hasattr(gen_math_ops.add_n, "unordered"):
        gen_math_ops.add_n = _ordered(gen_math_ops.add_n)


def _ordered(add_n):
    @functools.wraps(add_n)
    def ordered(inputs, name=None):
        rounds = isinstance(inputs, list | tuple) and all(
            isinstance(one, tf.Tensor) and (one.dtype.is_floating or one.dtype.is_complex)
            for one in inputs
        )
        if not rounds or len(inputs) < 3:
            return add_n(inputs, name=name)
        return add_n([add_n(inputs[:2]), *inputs[2:]], name=name)

    ordered.unordered = add_n
    return ordered
