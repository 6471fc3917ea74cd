"""Forecasting: the next values of several series at once."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks import forecast_metrics
from darts_tf.tasks.metrics import Metric, measured
from darts_tf.tasks.task import Task

_METRICS = {
    "rse": (forecast_metrics.RelativeError, False),
    "correlation": (forecast_metrics.Correlation, True),
    "rmse": (forecast_metrics.RootMeanSquare, False),
    "mae": (forecast_metrics.MeanAbsolute, False),
}


@dataclasses.dataclass(frozen=True)
class Forecasting(Task):
    """Batches of `(windows, targets)`, `[batch, window, columns]` and `[batch, columns]`.

    Windows, targets and the model's forecasts are in the data's own units, and so is what is
    measured. The loss is the mean over the columns of the squared error, each column in its own
    scale. Networks are ranked by the root relative squared error.

    Args:
        columns: how many series there are.
        scale: of every column; None for 1. With `SeriesData.change` a loss of 1 is that of
            repeating the last value in the training part.
        example: a row of values such as the data's, for the comparison of an export; None for 0.

    Raises:
        UserError: scale or example have another length, or a scale is not above 0.
    """

    name = "forecasting"
    columns: int = 1
    scale: tuple[float, ...] | None = None
    example: tuple[float, ...] | None = None

    def __post_init__(self):
        for name in ("scale", "example"):
            value = getattr(self, name)
            if value is None:
                continue
            # As a file holds it.
            object.__setattr__(self, name, tuple(value))
            if len(value) != self.columns:
                raise UserError(
                    f"the task {self.name!r} has {self.columns} columns and {len(value)} numbers "
                    f"as its {name}; give one a column"
                )
        if self.scale is not None and not min(self.scale) > 0:
            raise UserError(f"the scale of a column is {min(self.scale):g}; it must be above 0")

    def losses(self, targets, outputs) -> tf.Tensor:
        """The mean of ((y - f) / scale)^2 over the columns, `[batch]`, in float32 or better."""
        outputs = _checked(targets, outputs, self.columns)
        error = outputs - tf.cast(targets, outputs.dtype)
        if self.scale is not None:
            error /= tf.constant(self.scale, outputs.dtype)
        return tf.reduce_mean(tf.square(error), axis=-1)

    def metrics(self) -> tuple[Metric, ...]:
        """RSE and correlation as Lai et al. define them, RMSE and MAE; see `forecast_metrics`."""

        def of_columns(metric):
            return lambda name, dtype="float32": metric(self.columns, name=name, dtype=dtype)

        return tuple(
            Metric(name, of_columns(metric), larger_is_better)
            for name, (metric, larger_is_better) in _METRICS.items()
        )

    def measure(self, targets, forecasts) -> dict[str, float]:
        """The metrics of forecasts that are all at hand.

        Args:
            targets, forecasts: `[examples, columns]`.
        """
        return measured(self.metrics(), targets, forecasts)

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """`forecast`, float32 `[batch, columns]`."""
        return {"forecast": tf.cast(outputs, tf.float32)}

    def made_up_inputs(self, signature, draw):
        """Windows around `example`, within 5 % of it or of 1."""

        def make(spec):
            center = np.zeros(self.columns) if self.example is None else np.array(self.example)
            width = 0.05 * np.where(center == 0, 1, np.abs(center))
            values = center + width * draw.uniform(-1, 1, spec.shape)
            return values.astype(spec.dtype.as_numpy_dtype)

        return tf.nest.map_structure(make, signature)


def _checked(targets, outputs, columns) -> tf.Tensor:
    if outputs.shape[-1] != columns or targets.shape[-1] != columns:
        raise UserError(
            f"the task 'forecasting' has {columns} columns; the targets have {targets.shape[-1]} "
            f"and the forecasts {outputs.shape[-1]}: make it as Forecasting(columns=...)"
        )
    if outputs.dtype.size < 4:
        outputs = tf.cast(outputs, tf.float32)
    return outputs


def relative(measured: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    """Every measure as a multiple of what a reference has, such as repeating the last value.

    Args:
        measured, reference: of `Forecasting.measure`.

    Returns:
        The same names; NaN where the reference has 0.
    """
    return {
        name: value / reference[name] if reference[name] else float("nan")
        for name, value in measured.items()
    }
