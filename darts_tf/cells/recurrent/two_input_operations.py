"""The operations of the two-input backbone: functions of x_t and of the node before.

With u = x W_x + b, v = s W_s, where s is the node before and every operation has its own W_x, W_s
and b:

| name        | value                  | parameters                                |
|-------------|------------------------|-------------------------------------------|
| an activation of Keras, such as `tanh` | f(u + v) | W_x, W_s, b                |
| `identity`  | u + v                  | W_x, W_s, b                               |
| `hadamard`  | (x W_x) * (s W_s)      | W_x, W_s                                  |
| `gated`     | sigmoid(u + v) * s     | W_x, W_s, b                               |
| `copy`      | s                      | none                                      |

The Hadamard product is of Jie and Gao (arXiv 2106.07211); how the others take two inputs is our
reading, because the text that could be read does not list them.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from darts_tf.cells.recurrent.activations import activation
from darts_tf.spaces.copies import kind_of


class TwoInputOperation(NamedTuple):
    """An operation, and what parameters it has.

    Attributes:
        function: `(u, v, s) -> value`, all `[batch, units]`.
        has_kernels: whether it has W_x and W_s; u and v are None otherwise.
        has_bias: whether it has b.
    """

    function: Callable
    has_kernels: bool = True
    has_bias: bool = True


_OWN = {
    "hadamard": TwoInputOperation(lambda u, v, s: u * v, has_bias=False),
    "gated": TwoInputOperation(lambda u, v, s: tf.sigmoid(u + v) * s),
    "copy": TwoInputOperation(lambda u, v, s: s, has_kernels=False, has_bias=False),
}


def operation(name: str) -> TwoInputOperation | None:
    """The operation of a name; None for `none`.

    Args:
        name: one of the table above, or a copy of it, see `darts_tf.spaces.copies`.

    Raises:
        UserError: there is none.
    """
    kind = kind_of(name)
    if kind in _OWN:
        return _OWN[kind]
    function = activation(kind)
    if function is None:
        return None
    return TwoInputOperation(lambda u, v, s: function(u + v))
