"""Numbers that are told of images."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks import forecast_metrics
from darts_tf.tasks.image_task import ImageTask
from darts_tf.tasks.metrics import Metric, measured


@dataclasses.dataclass(frozen=True)
class ImageRegression(ImageTask):
    """Batches of `(images, targets)`, targets `[batch, columns]` in the data's own units.

    Outputs are standardised: an output of 0 stands for the column's mean, and 1 for a deviation
    more. The loss is the mean over the columns of the squared error in that scale, so that it is
    about 1 for a network that knows nothing. Networks are ranked by the coefficient of
    determination R2, the mean over the columns, which has no unit: columns in metres and in
    kilograms count the same. The root mean squared error is in the data's units.

    Args:
        means: of the columns in the training part.
        deviations: their standard deviations, above 0.

    Raises:
        UserError: they differ in length, or a deviation is not above 0.
    """

    name = "image_regression"
    means: tuple[float, ...] = (0.0,)
    deviations: tuple[float, ...] = (1.0,)

    def __post_init__(self):
        # As a file holds them.
        for name in ("means", "deviations"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        if len(self.means) != len(self.deviations) or not min(self.deviations) > 0:
            raise UserError(
                f"the task {self.name!r} has the means {self.means!r:.60} and the deviations "
                f"{self.deviations!r:.60}; give one of each a column, deviations above 0"
            )

    def losses(self, targets, outputs) -> tf.Tensor:
        """The mean of ((y - mean) / deviation - output)^2 over the columns, `[batch]`."""
        count = len(self.means)
        if outputs.shape[-1] != count or targets.shape[-1] != count:
            raise UserError(
                f"the task {self.name!r} has {count} columns; the targets have "
                f"{targets.shape[-1]} and the outputs {outputs.shape[-1]}: make it as "
                "ImageRegression(means=..., deviations=...)"
            )
        if outputs.dtype.size < 4:
            outputs = tf.cast(outputs, tf.float32)
        error = tf.cast(self.standardised(targets), outputs.dtype) - outputs
        return tf.reduce_mean(tf.square(error), axis=-1)

    def standardised(self, targets) -> tf.Tensor:
        """Targets of the data's units as outputs have them, float64."""
        return (tf.cast(targets, tf.float64) - self.means) / self.deviations

    def metrics(self) -> tuple[Metric, ...]:
        """R2, RMSE and MAE; see `forecast_metrics`. RMSE and MAE are of all columns together."""
        kinds = {"r2": _Determination, "rmse": _RootMeanSquare, "mae": _MeanAbsolute}
        return tuple(
            Metric(name, functools.partial(kind, self), larger_is_better=name == "r2")
            for name, kind in kinds.items()
        )

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """`values`, float32 `[batch, columns]` in the data's own units."""
        scaled = tf.cast(outputs, tf.float32) * tf.constant(self.deviations, tf.float32)
        return {"values": scaled + tf.constant(self.means, tf.float32)}

    def measure(self, targets, outputs) -> dict[str, float]:
        """The metrics of outputs that are all at hand.

        Args:
            targets, outputs: `[examples, columns]`.
        """
        return measured(self.metrics(), targets, outputs)


class Determination(forecast_metrics.OfSpread):
    """R2, 1 - sum (y - f)^2 / sum (y - mean(y))^2, averaged over the columns whose targets change.

    As scikit-learn's `r2_score` with the uniform average: 0 for a forecast of the mean.
    """

    def of_sums(self, count, squares, values, value_squares):
        spread = value_squares - values * tf.math.divide_no_nan(values, count)
        moves = spread > 1e-12 * value_squares
        found = tf.where(moves, 1 - squares / tf.where(moves, spread, 1), 0)
        columns = tf.reduce_sum(tf.cast(moves, found.dtype))
        return tf.math.divide_no_nan(tf.reduce_sum(found), columns)


class _OfOutputs:
    """A metric of the data's units that is given outputs of the network.

    Args:
        task: whose outputs they are.
        name: of the metric.
        dtype: of the result.
    """

    def __init__(self, task: ImageRegression, name: str, dtype="float32"):
        super().__init__(len(task.means), name=name, dtype=dtype)
        self._means, self._deviations = (np.array(x) for x in (task.means, task.deviations))

    def update_state(self, y_true, y_pred, sample_weight=None):
        # Without the means, whose squares would hide small errors.
        targets = tf.cast(y_true, tf.float64) - self._means
        values = tf.cast(y_pred, tf.float64) * self._deviations
        return super().update_state(targets, values, sample_weight)


class _Determination(_OfOutputs, Determination):
    pass


class _RootMeanSquare(_OfOutputs, forecast_metrics.RootMeanSquare):
    pass


class _MeanAbsolute(_OfOutputs, forecast_metrics.MeanAbsolute):
    pass
