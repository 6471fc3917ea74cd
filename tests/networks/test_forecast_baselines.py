import dataclasses
import importlib.util
import sys

import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets.series_data import SeriesData
from darts_tf.networks.forecast_baselines import last_value, seasonal, vector_autoregression

needs_statsmodels = pytest.mark.skipif(
    importlib.util.find_spec("statsmodels") is None, reason="statsmodels is not installed"
)


def series(horizon=1, columns=2):
    """x_t = c + A x_{t-1} + noise."""
    draw = np.random.default_rng(0)
    matrix = np.array([[0.5, 0.3], [-0.2, 0.7]])[:columns, :columns]
    values = [np.ones(columns)]
    for _ in range(399):
        values.append(1 + matrix @ values[-1] + 0.1 * draw.normal(size=columns))
    values = np.array(values)
    return SeriesData("x", ("a", "b")[:columns], values, (240, 320), 4, horizon)


def test_repeating_what_was():
    data = series(horizon=3)
    found = last_value(data, data.test)
    np.testing.assert_array_equal(found[0], data.values[317])
    # The last row of the same place in a period of 2 that is known 3 rows before is 4 back.
    np.testing.assert_array_equal(seasonal(data, data.test, 2)[0], data.values[316])
    np.testing.assert_array_equal(seasonal(data, data.test, 5)[0], data.values[315])
    for period in (0, 321):
        with pytest.raises(UserError, match=f"a period of {period} rows"):
            seasonal(data, data.test, period)


@needs_statsmodels
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("horizon", [1, 3])
def test_an_autoregression_is_that_of_least_squares(columns, horizon):
    data = series(horizon, columns)
    found, order = vector_autoregression(data, data.test, "bic")
    assert order == 1
    known = data.values[: data.bounds[0]]
    design = np.column_stack([np.ones(239), known[:-1]])
    fitted = np.linalg.lstsq(design, known[1:], rcond=None)[0]
    expected = data.last_values(data.test)
    for _ in range(horizon):
        expected = fitted[0] + expected @ fitted[1:]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@needs_statsmodels
def test_an_autoregression_of_log_returns():
    levels = np.exp(np.cumsum(0.01 * series().values, axis=0))
    data = dataclasses.replace(series(2), values=levels, transform="log_returns")
    found, order = vector_autoregression(data, data.test, "bic")
    assert order == 1
    returns = np.diff(np.log(levels), axis=0)
    known = returns[: data.bounds[0] - 1]
    design = np.column_stack([np.ones(len(known) - 1), known[:-1]])
    fitted = np.linalg.lstsq(design, known[1:], rcond=None)[0]
    # Row 320 from row 318, whose return is that of number 317.
    first = fitted[0] + returns[317] @ fitted[1:]
    second = fitted[0] + first @ fitted[1:]
    np.testing.assert_allclose(found[0], levels[318] * np.exp(first + second), rtol=1e-6)


def test_without_statsmodels(monkeypatch):
    for name in ("statsmodels.tsa.api", "statsmodels.tsa.ar_model"):
        monkeypatch.setitem(sys.modules, name, None)
    for columns in (1, 2):
        data = series(columns=columns)
        with pytest.raises(UserError, match="needs statsmodels, which is not installed"):
            vector_autoregression(data, data.test)


def test_another_criterion():
    with pytest.raises(UserError, match="unknown criterion 'hqic'; expected one of aic, bic"):
        vector_autoregression(series(), series().test, "hqic")
