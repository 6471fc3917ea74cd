import gzip
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.tasks import Forecasting
from darts_tf.tasks.forecasting import relative

RATES = pathlib.Path(__file__).parents[3] / "shared" / "data" / "exchange_rate.txt.gz"
needs_rates = pytest.mark.skipif(not RATES.exists(), reason=f"{RATES.name} is not here")

TARGETS = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0]])
FORECASTS = np.array([[2.0, 10.0], [3.0, 30.0], [4.0, 26.0]])


def test_the_loss_is_in_the_columns_scales():
    task = Forecasting(2, scale=(0.5, 3.0))
    found = task.losses(tf.constant(TARGETS), tf.constant(FORECASTS))
    np.testing.assert_allclose(found, [2.0, 2.0, 4.0])
    # Errors of 1, 1, 1 and 0, 0, 6.
    np.testing.assert_allclose(
        Forecasting(2).losses(TARGETS, tf.constant(FORECASTS)), [0.5, 0.5, 18.5]
    )
    total, count = task.counted_loss(tf.constant(TARGETS), tf.constant(FORECASTS))
    assert (float(total), float(count)) == (8.0, 3.0)


def test_the_metrics_in_closed_form():
    found = Forecasting(2).measure(TARGETS, FORECASTS)
    # Errors 1, 1, 1, 0, 0, 6: squares 39.
    assert found["rmse"] == pytest.approx(np.sqrt(39 / 6))
    assert found["mae"] == pytest.approx(9 / 6)
    # The mean of all targets is 11: squares 100, 81, 64, 1, 361, 81.
    assert found["rse"] == pytest.approx(np.sqrt(39 / 688))
    # The first column is shifted by 1; the second has deviations -10, 10, 0 and -12, 8, 4.
    assert found["correlation"] == pytest.approx((1 + 200 / np.sqrt(200 * 224)) / 2)


def test_the_mean_of_all_has_a_relative_error_of_1():
    assert Forecasting(2).measure(TARGETS, np.full((3, 2), 11.0))["rse"] == pytest.approx(1)


def test_columns_that_do_not_change_have_no_correlation():
    targets = np.stack([TARGETS[:, 0], np.full(3, 0.1)], axis=1)
    assert Forecasting(2).measure(targets, FORECASTS)["correlation"] == pytest.approx(1)
    assert Forecasting(2).measure(targets, np.full((3, 2), 0.3))["correlation"] == 0


def test_a_set_is_measured_at_once_not_by_batches():
    whole = Forecasting(2).measure(TARGETS, FORECASTS)
    for metric in Forecasting(2).metrics():
        measured = metric("float64")
        for part in (slice(0, 1), slice(1, 3)):
            measured.update_state(TARGETS[part], FORECASTS[part])
        assert float(measured.result()) == pytest.approx(whole[metric.name], rel=1e-12)
        measured.reset_state()
        weights = [1.0, 1.0, 0.0]
        measured.update_state(TARGETS, FORECASTS, weights)
        two = Forecasting(2).measure(TARGETS[:2], FORECASTS[:2])
        assert float(measured.result()) == pytest.approx(two[metric.name], rel=1e-12)


def test_small_changes_of_large_numbers_are_measured_in_float64():
    targets = 1e4 + 0.01 * np.arange(100.0)[:, np.newaxis]
    found = Forecasting().measure(targets, targets + 0.01)
    assert found["rse"] == pytest.approx(0.01 / np.std(targets), rel=1e-5)
    assert found["correlation"] == pytest.approx(1, rel=1e-6)


def test_measures_relative_to_others():
    found = relative({"rse": 0.5, "mae": 1.0}, {"rse": 2.0, "mae": 0.0})
    assert found["rse"] == 0.25 and np.isnan(found["mae"])


@needs_rates
@pytest.mark.parametrize(
    ("horizon", "rse"), [(1, 0.0106), (3, 0.0171), (6, 0.0238), (12, 0.0329), (24, 0.0434)]
)
def test_the_last_value_of_the_exchange_rates(horizon, rse):
    """Known figures of repeating the last value on the last fifth."""
    with gzip.open(RATES, "rt") as file:
        rates = np.loadtxt(file, delimiter=",")
    first = int(0.8 * len(rates))
    found = Forecasting(8).measure(rates[first:], rates[first - horizon : -horizon])
    assert round(found["rse"], 4) == rse


def test_what_ranks_networks():
    task = tasks.get("forecasting")
    assert (task.objective.name, task.objective.larger_is_better) == ("rse", False)
    assert not task.carries_state
    assert list(task.curves()) == ["loss", "rse", "correlation", "rmse", "mae"]


def test_answers_and_made_up_inputs():
    task = Forecasting(2, example=(100.0, 0.0))
    assert task.answers(tf.ones([3, 2], tf.float16))["forecast"].dtype == tf.float32
    windows = task.made_up_inputs(tf.TensorSpec([4, 5, 2]), np.random.default_rng(0))
    assert windows.shape == (4, 5, 2) and windows.dtype == np.float32
    assert windows[..., 0].min() >= 95 and np.abs(windows[..., 1]).max() <= 0.05


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Forecasting(2, scale=(1.0,)), "has 2 columns and 1 numbers as its scale"),
        (lambda: Forecasting(1, example=(1.0, 2.0)), "and 2 numbers as its example"),
        (lambda: Forecasting(1, scale=(0.0,)), "the scale of a column is 0"),
        (lambda: Forecasting(3).losses(TARGETS, tf.constant(FORECASTS)), "the targets have 2"),
    ],
)
def test_what_does_not_fit(make, message):
    with pytest.raises(UserError, match=message):
        make()
