"""Forecasts without a network, to compare a network's with."""

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.common.lookup import lookup
from darts_tf.datasets import SeriesData

#: The criteria by which the order of a vector autoregression is chosen.
CRITERIA = ("aic", "bic")
# Orders that are tried, as far as the training part is long enough.
_MOST_LAGS = 15


def last_value(data: SeriesData, rows: range) -> np.ndarray:
    """Repeats the last known row, `[len(rows), columns]`: the best of a random walk.

    Args:
        data: the series.
        rows: what is foretold, such as `data.test`.
    """
    return data.last_values(rows)


def seasonal(data: SeriesData, rows: range, period: int) -> np.ndarray:
    """Repeats what was known last of the same place in the period, `[len(rows), columns]`.

    Args:
        data: the series.
        rows: what is foretold.
        period: rows of a season, such as 5 for working days or 24 for hours.

    Raises:
        UserError: the period is below 1, or longer than what comes before the rows.
    """
    back = period * -(-data.horizon // period) if period >= 1 else 0
    if not 1 <= back <= rows.start:
        raise UserError(
            f"a period of {period:,} rows; expected a number from 1 that reaches no further back "
            f"than the series, which has {rows.start:,} rows before the first forecast"
        )
    return data.targets(range(rows.start - back, rows.stop - back))


def vector_autoregression(
    data: SeriesData, rows: range, criterion: str = "aic"
) -> tuple[np.ndarray, int]:
    """Linear in the last rows of all columns, fitted by least squares to the training part.

    The order is that whose criterion is smallest on the training part; forecasts of several rows
    are made one after the other. It is fitted to log returns where the transform says so.

    Args:
        data: the series.
        rows: what is foretold.
        criterion: "aic" or "bic".

    Returns:
        `[len(rows), columns]` in the series' own units, and the order, 0 for a constant mean.

    Raises:
        UserError: statsmodels is not installed, or the training part is too short.
    """
    lookup("criterion", dict.fromkeys(CRITERIA), criterion)
    logs = data.transform == "log_returns"
    values = np.diff(np.log(data.values), axis=0) if logs else data.values
    # Row t of the returns is the change to row t + 1 of the levels.
    shift = 1 if logs else 0
    center, deviation = np.array(data.scaling.center), np.array(data.scaling.deviation)
    scaled = (values - center) / deviation
    constant, lags = _fit(scaled[: data.bounds[0] - shift], criterion)
    # The last known row of every forecast.
    last = np.arange(rows.start, rows.stop) - data.horizon - shift
    if len(lags) and last[0] + 1 < len(lags):
        raise UserError(f"the series begins less than {len(lags)} rows before the first forecast")
    known = [scaled[last - lag] for lag in range(len(lags))]
    changes = 0
    for _ in range(data.horizon):
        found = constant + sum(x @ a.T for x, a in zip(known, lags, strict=True))
        found = np.broadcast_to(found, (len(rows), len(data.columns)))
        known = [found, *known][: len(lags)]
        changes = changes + center + deviation * found
    if logs:
        return data.last_values(rows) * np.exp(changes), len(lags)
    return center + deviation * found, len(lags)


def _fit(values, criterion):
    """The constant `[columns]` and the matrices of the lags `[order, columns, columns]`."""
    count, columns = values.shape
    if columns == 1:
        return _fit_one(values[:, 0], criterion)
    try:
        from statsmodels.tsa.api import VAR
    except ImportError as error:
        raise UserError(_INSTALL) from error
    most = min(_MOST_LAGS, (count // 2 - 1) // columns - 1)
    if most < 1:
        raise UserError(
            f"a vector autoregression of {columns} columns needs more rows than the {count:,} of "
            "the training part"
        )
    fitted = VAR(values).fit(maxlags=most, ic=criterion)
    return fitted.intercept, fitted.coefs


def _fit_one(values, criterion):
    try:
        from statsmodels.tsa.ar_model import ar_select_order
    except ImportError as error:
        raise UserError(_INSTALL) from error
    most = min(_MOST_LAGS, len(values) // 2 - 2)
    if most < 1:
        raise UserError(f"an autoregression needs more rows than the {len(values):,} of training")
    fitted = ar_select_order(values, most, ic=criterion).model.fit()
    constant, *lags = fitted.params
    return np.array([constant]), np.reshape(lags, (-1, 1, 1))


_INSTALL = (
    "the vector autoregression needs statsmodels, which is not installed: pip install "
    "'statsmodels>=0.15,<0.16', or do without it"
)
