"""The values of a node that passes its predecessor on: the morphism that grows a chain.

Jie and Gao (arXiv 2106.07211) say that a new node starts so that the output is as similar as
possible, with noise added to what would be exactly zero. The construction here is ours, and exact:
with operation weights w, whatever they are as long as that of `identity` or `copy` is not 0,

    tanh, sigmoid, relu, gated:  W_x = W_s = 0, b = 0       their values: 0, 1/2, 0, s / 2
    hadamard:                    W_s = 0, W_x stays         0, and W_s has a gradient
    identity:                    W_x = 0, W_s = a I, b = c

where a and c make the sum s: a w_identity + w_gated / 2 + w_copy = 1 and c w_identity =
-w_sigmoid / 2. So the architecture is open from the start. A large alpha of `identity` would do
without weights of its own but saturate the softmax, whose gradient then vanishes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.spaces.copies import kind_of


class NodeValues(NamedTuple):
    """The first values of an operation of the new node, each None where it keeps what it has.

    Attributes:
        input_kernel, state_kernel, bias: W_x, W_s and b, or a number for all of their entries.
    """

    input_kernel: np.ndarray | float | None
    state_kernel: np.ndarray | float | None
    bias: np.ndarray | float | None


#: An operation with zero weights: (how much of s it is, how much of 1 it is).
_AT_ZERO = {
    "none": (0.0, 0.0),
    "tanh": (0.0, 0.0),
    "relu": (0.0, 0.0),
    "sigmoid": (0.0, 0.5),
    "gated": (0.5, 0.0),
    "copy": (1.0, 0.0),
    "hadamard": (0.0, 0.0),
}


def passing_on(
    names: Sequence[str], weights: Sequence[float], units: int
) -> Mapping[str, NodeValues]:
    """The values with which a node's output is its predecessor, for all x and s.

    Args:
        names: the operations of the node.
        weights: their operation weights.
        units: of the node.

    Returns:
        Name -> its values.

    Raises:
        UserError: there is no `identity` of a weight that is not 0, or an operation whose value
            with zero weights is not known.
    """
    kinds = [kind_of(name) for name in names]
    unknown = [kind for kind in kinds if kind not in (*_AT_ZERO, "identity")]
    weight = sum(float(w) for kind, w in zip(kinds, weights, strict=True) if kind == "identity")
    if unknown or not weight:
        raise UserError(
            f"a new node of the operations {', '.join(names)} cannot pass its predecessor on: "
            + (f"nothing is known of {unknown[0]}" if unknown else "it needs identity")
        )
    shares = np.zeros(2)
    for kind, w in zip(kinds, weights, strict=True):
        shares += float(w) * np.array(_AT_ZERO.get(kind, (0.0, 0.0)))
    of_state, of_one = (np.array([1.0, 0.0]) - shares) / weight
    found = {}
    for name, kind in zip(names, kinds, strict=True):
        if kind == "identity":
            found[name] = NodeValues(0.0, of_state * np.eye(units), of_one)
        elif kind == "hadamard":
            found[name] = NodeValues(None, 0.0, None)
        else:
            found[name] = NodeValues(0.0, 0.0, 0.0)
    return found
