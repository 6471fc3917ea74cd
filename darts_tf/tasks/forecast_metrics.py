"""Metrics of forecasts of several columns, over all examples of a pass at once.

Sums are kept in float64, whatever type the result has: the variance of a rate that hardly moves is
the difference of two large sums.
"""

from abc import abstractmethod

import keras
import tensorflow as tf

from darts_tf.tasks.metrics import counted

# What rounding leaves of the variance of a column that does not change, relative to its square.
_ROUNDING = 1e-14


class ColumnSums(keras.metrics.Metric):
    """Sums over the examples of a pass, by column.

    Args:
        columns: how many there are.
        name: of the metric.
        dtype: of the result.
    """

    #: What is summed.
    sums: tuple[str, ...] = ()

    def __init__(self, columns: int, name: str, dtype="float32"):
        super().__init__(name=name, dtype=dtype)
        self._sums = {
            part: self.add_variable((columns,), initializer="zeros", dtype="float64", name=part)
            for part in ("count", *self.sums)
        }

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch, `[batch, columns]`, with weights `[batch]`."""
        targets, forecasts = (
            tf.cast(tf.convert_to_tensor(y), tf.float64) for y in (y_true, y_pred)
        )
        added = {"count": tf.ones_like(targets), **self.added(targets, forecasts)}
        for part, values in added.items():
            columns = [counted(x, sample_weight)[0] for x in tf.unstack(values, axis=-1)]
            self._sums[part].assign_add(tf.stack(columns))

    @abstractmethod
    def added(self, targets, forecasts) -> dict[str, tf.Tensor]:
        """The terms a batch adds to each of `sums`, `[batch, columns]` before it is summed."""

    def result(self):
        sums = {part: tf.convert_to_tensor(variable) for part, variable in self._sums.items()}
        return tf.cast(self.of_sums(**sums), self.dtype)

    @abstractmethod
    def of_sums(self, count, **sums) -> tf.Tensor:
        """The measure of sums `[columns]`, a scalar."""


class RootMeanSquare(ColumnSums):
    """The root of the mean squared error of all columns."""

    sums = ("squares",)

    def added(self, targets, forecasts):
        return {"squares": tf.square(forecasts - targets)}

    def of_sums(self, count, squares):
        return tf.sqrt(_mean(squares, count))


class MeanAbsolute(ColumnSums):
    """The mean absolute error of all columns."""

    sums = ("errors",)

    def added(self, targets, forecasts):
        return {"errors": tf.abs(forecasts - targets)}

    def of_sums(self, count, errors):
        return _mean(errors, count)


class OfSpread(ColumnSums):
    """What compares squared errors with the spread of the targets."""

    sums = ("squares", "values", "value_squares")

    def added(self, targets, forecasts):
        return {
            "squares": tf.square(forecasts - targets),
            "values": targets,
            "value_squares": tf.square(targets),
        }


class RelativeError(OfSpread):
    """RSE, the root relative squared error (Lai et al., SIGIR 2018, arXiv 1703.07015, section 4.2).

    sqrt(sum (y - f)^2) / sqrt(sum (y - mean(y))^2), the sums and the mean over all examples and
    columns: 1 for a forecast of that mean. Columns of large numbers count most.
    """

    def of_sums(self, count, squares, values, value_squares):
        total = tf.reduce_sum(values)
        spread = tf.reduce_sum(value_squares) - total * _mean(values, count)
        return tf.sqrt(tf.math.divide_no_nan(tf.reduce_sum(squares), spread))


class Correlation(ColumnSums):
    """CORR, the correlation of forecasts and targets, averaged over columns (Lai et al., 4.2).

    The average is over those columns whose targets and forecasts both change.
    """

    sums = ("y", "f", "yy", "ff", "yf")

    def added(self, targets, forecasts):
        y, f = targets, forecasts
        return {"y": y, "f": f, "yy": y * y, "ff": f * f, "yf": y * f}

    def of_sums(self, count, y, f, yy, ff, yf):
        spread_y, spread_f = yy - y * y / count, ff - f * f / count
        moves = (spread_y > _ROUNDING * yy) & (spread_f > _ROUNDING * ff)
        product = tf.sqrt(tf.where(moves, spread_y * spread_f, 1))
        found = tf.where(moves, (yf - y * f / count) / product, 0)
        columns = tf.reduce_sum(tf.cast(moves, found.dtype))
        return tf.math.divide_no_nan(tf.reduce_sum(found), columns)


def _mean(sums, count) -> tf.Tensor:
    return tf.math.divide_no_nan(tf.reduce_sum(sums), tf.reduce_sum(count))
