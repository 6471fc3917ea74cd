"""Keras' backend: TensorFlow, which all of this package computes with."""

from darts_tf.common.errors import UserError


def check() -> None:
    """Imports Keras, and refuses one that runs on another backend.

    Raises:
        UserError: Keras has another backend than TensorFlow, or cannot be imported.
    """
    advice = (
        "darts_tf needs its TensorFlow backend: start Python with KERAS_BACKEND=tensorflow, which "
        "goes before the setting in ~/.keras/keras.json"
    )
    try:
        import keras
    except ImportError as error:
        raise UserError(f"Keras cannot be imported ({error}); {advice}") from error
    if (backend := keras.config.backend()) != "tensorflow":
        raise UserError(f"Keras runs on the backend {backend!r}; {advice}")
