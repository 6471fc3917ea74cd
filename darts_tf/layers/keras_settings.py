"""Fixed choices where Keras' global settings would decide about a layer.

`keras.config.image_data_format()`, `floatx()` and `dtype_policy()` differ from user to user, in
`~/.keras/keras.json` and in code. A network must be the same wherever it is built and loaded.
"""

import contextlib
import threading

import keras

from darts_tf.common.errors import UserError

# The data format is global to all threads.
_lock = threading.RLock()


@contextlib.contextmanager
def inner_layers(policy):
    """Layers that are made in this scope have this dtype policy, and images with channels last.

    Unless they are told otherwise. Around all layers that a layer makes for itself, those of a
    user's own operations among them, because they are made anew when a file is loaded.

    Args:
        policy: the outer layer's `dtype_policy`.
    """
    with _lock:
        data_format, outer = keras.config.image_data_format(), keras.config.dtype_policy()
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy(policy)
        try:
            yield
        finally:
            keras.config.set_image_data_format(data_format)
            keras.config.set_dtype_policy(outer)


def check_policy(policy) -> None:
    """Refuses to keep weights in 16 bits.

    Args:
        policy: a dtype policy.

    Raises:
        UserError: the weights would have 16 bits.
    """
    if policy.variable_dtype in ("float16", "bfloat16"):
        raise UserError(
            f"the dtype policy {policy.name!r} keeps weights and moving statistics in 16 bits, "
            "which lose small updates; use keras.config.set_dtype_policy("
            f"'mixed_{policy.variable_dtype}') to compute in them, or 'float32'. A policy that "
            "was not set follows keras.config.floatx() (floatx in ~/.keras/keras.json)"
        )


def check_floatx() -> None:
    """Refuses to train where Keras counts losses, metrics and learning rates in 16 bits.

    Raises:
        UserError: it does.
    """
    if keras.config.floatx() == "float16":
        raise UserError(
            "keras.config.floatx() is 'float16', in which Keras would add up losses and metrics "
            "and compute learning rates; use keras.config.set_floatx('float32') (floatx in "
            "~/.keras/keras.json) and choose the layers' precision by set_dtype_policy"
        )
