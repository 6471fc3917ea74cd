"""From a series' own units to numbers that a network computes with, and back."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.layers.keras_settings import inner_layers

_TRANSFORMS = ("levels", "log_returns")


class _OwnUnits(keras.layers.Layer):
    """Takes inputs as they are: in 16 bits a series' own units would lose their last digits."""

    def __init__(self, transform: str, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        if transform not in _TRANSFORMS:
            raise UserError(
                f"unknown transform of a series {transform!r}; expected one of "
                f"{', '.join(_TRANSFORMS)}"
            )
        self.transform = transform

    def get_config(self):
        return {**super().get_config(), "transform": self.transform}


@keras.saving.register_keras_serializable("darts_tf")
class ScaledWindow(_OwnUnits):
    """A window, scaled by column, and a dense layer of every step.

    Args:
        units: of the dense layer.
        transform: "levels", or "log_returns", of which there is one less than steps.
        center, deviation: of every column; what is seen is (x - center) / deviation, x a level or a
            log return.

    Input shape: `[batch, window, columns]`, in the series' own units.
    Output shape: `[batch, steps, units]`.
    """

    def __init__(
        self,
        units: int,
        transform: str,
        center: Sequence[float],
        deviation: Sequence[float],
        **kwargs,
    ):
        super().__init__(transform, **kwargs)
        self.center, self.deviation = tuple(center), tuple(deviation)
        with inner_layers(self.dtype_policy):
            self.dense = keras.layers.Dense(units)

    def build(self, windows_shape):
        self.dense.build(windows_shape)
        self.built = True

    def call(self, windows):
        if self.transform == "log_returns":
            levels = tf.math.log(windows)
            windows = levels[:, 1:] - levels[:, :-1]
        scaled = (windows - tf.constant(self.center, windows.dtype)) / tf.constant(
            self.deviation, windows.dtype
        )
        return self.dense(tf.cast(scaled, self.compute_dtype))

    def compute_output_shape(self, windows_shape):
        batch, steps, _ = windows_shape
        if steps is not None and self.transform == "log_returns":
            steps -= 1
        return batch, steps, self.dense.units

    def get_config(self):
        own = {"units": self.dense.units, "center": self.center, "deviation": self.deviation}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("darts_tf")
class ForecastHead(_OwnUnits):
    """A dense layer of the last step, as the change from the last known value.

    The forecast is x + change * d of levels and x * exp(change * d) of log returns, x the last row
    of the window and d what the dense layer gives: a network that says nothing repeats the last
    value, which series that are close to a random walk are hard to foretell better than.

    Args:
        transform: "levels" or "log_returns".
        change: of every column.

    Call arguments:
        inputs: a list of the last cell's outputs, `[batch, steps, units]`, and the window, `[batch,
            window, columns]`.

    Output shape: `[batch, columns]`, in the series' own units, of the window's type.
    """

    def __init__(self, transform: str, change: Sequence[float], **kwargs):
        super().__init__(transform, **kwargs)
        self.change = tuple(change)
        with inner_layers(self.dtype_policy):
            self.dense = keras.layers.Dense(len(self.change))

    def build(self, shapes):
        batch, _, units = shapes[0]
        self.dense.build((batch, units))
        self.built = True

    def call(self, inputs):
        outputs, windows = inputs
        found = tf.cast(self.dense(outputs[:, -1]), windows.dtype)
        change = found * tf.constant(self.change, windows.dtype)
        last = windows[:, -1]
        return last + change if self.transform == "levels" else last * tf.exp(change)

    def compute_output_shape(self, shapes):
        return shapes[0][0], self.dense.units

    def get_config(self):
        return {**super().get_config(), "change": self.change}
