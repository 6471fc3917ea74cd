"""Sums of tensors whose order does not depend on which thread was the quickest.

TensorFlow's `AddN`, which is `tf.add_n` and the sum of all gradients of a tensor, writes into the
first of its inputs that nobody else needs any more and adds that one first. Whether somebody still
needs an input depends, where operations run at the same time, on who has finished by then: of three
and more inputs the sum is rounded in another way from run to run, with
`tf.config.experimental.enable_op_determinism` too (findings/tensorflow_add_n_order.sh). A search
and a training have thousands of such sums, and amplify a rounding until another cell is found.

So they are summed two by two here, in the order of the inputs, which is what `AddN` does where all
are needed elsewhere. To sum only the first two apart is not enough: TensorFlow merges equal sums,
whose result then has several readers again. `use` replaces TensorFlow's function in the process
once, because traces are made in many places, by users too; Grappler makes one `AddN` of several
sums, so that it helps only where that is off (`grappler`).
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
        # Of two it does not matter which comes first.
        return functools.reduce(lambda total, one: add_n([total, one]), inputs)

    ordered.unordered = add_n
    return ordered
