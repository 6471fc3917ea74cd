"""The candidate operations of a recurrent cell: functions of every element."""

import keras

from darts_tf.common.errors import UserError


def activation(name: str):
    """The function of a candidate, from a tensor to one of its shape; None for `none`.

    Args:
        name: `none`, `identity`, or the name of a Keras activation such as `tanh`.

    Raises:
        UserError: there is no such activation.
    """
    if name == "none":
        return None
    if name == "identity":
        name = "linear"
    try:
        return keras.activations.get(name)
    except ValueError as error:
        raise UserError(
            f"{name!r} is no operation of a recurrent cell; expected none, identity or the name of "
            "a Keras activation, such as tanh, relu or sigmoid"
        ) from error
