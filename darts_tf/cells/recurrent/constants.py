"""Which of a recurrent cell's constants a pass is differentiated in."""

from typing import TypeVar

import tensorflow as tf

from darts_tf.common.constant_weights import architecture_is_constant, weights_are_constant

Constants = TypeVar("Constants", bound=tuple)

_MASKS = ("input_mask", "state_mask")
_ARCHITECTURE = ("mixture",)


def wanted(constants: Constants) -> Constants:
    """The same constants, those that no gradient is wanted in behind `tf.stop_gradient`.

    TensorFlow differentiates a loop in all that its body captures, so that the gradient of the
    alphas alone would take the products of the weights' one as well, at every step. To be called in
    the body. In the scopes of `darts_tf.common.constant_weights` the masks are random draws.

    Args:
        constants: of a cell, a named tuple; `mixture` is the architecture's, the masks have names,
            and all others are the weights'.
    """
    held = set()
    if weights_are_constant():
        held |= set(constants._fields).difference(_ARCHITECTURE)
    if architecture_is_constant():
        held |= {*_ARCHITECTURE, *_MASKS}
    return constants._replace(**{name: _stopped(getattr(constants, name)) for name in held})


def _stopped(value):
    def stop(tensor):
        return tensor if tensor is None else tf.stop_gradient(tensor)

    return tf.nest.map_structure(stop, value)
