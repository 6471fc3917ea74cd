import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.tasks import ImageRegression

TASK = ImageRegression(means=(10.0, -200.0), deviations=(2.0, 50.0))
TARGETS = np.array([[12.0, -250.0], [8.0, -200.0], [10.0, -150.0]])
OUTPUTS = np.array([[1.0, 0.0], [0.0, 0.0], [0.5, 2.0]], np.float32)


def test_the_loss_is_of_standardised_targets():
    found = TASK.losses(tf.constant(TARGETS), tf.constant(OUTPUTS))
    # Standardised: 1, -1, 0 and -1, 0, 1.
    np.testing.assert_allclose(found, [(0 + 1) / 2, (1 + 0) / 2, (0.25 + 1) / 2])
    assert TASK.losses(TARGETS, tf.constant(OUTPUTS, tf.bfloat16)).dtype == tf.float32


def test_answers_are_in_the_datas_units():
    found = TASK.answers(tf.constant(OUTPUTS, tf.float16))["values"]
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, [[12, -200], [10, -200], [11, -100]])


def test_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    outputs = random.normal(size=(50, 2)).astype(np.float32)
    values = np.array(TASK.means) + outputs * TASK.deviations
    targets = values + random.normal(size=(50, 2))
    found = TASK.measure(targets, outputs)
    assert found["r2"] == pytest.approx(metrics.r2_score(targets, values), rel=1e-12)
    assert found["mae"] == pytest.approx(np.abs(values - targets).mean(), rel=1e-12)
    assert found["rmse"] == pytest.approx(np.sqrt(((values - targets) ** 2).mean()), rel=1e-12)
    measured = TASK.metrics()[0]("float64")
    for rows in (slice(0, 20), slice(20, 50)):
        measured.update_state(targets[rows], outputs[rows])
    assert float(measured.result()) == pytest.approx(found["r2"], rel=1e-12)


def test_the_mean_has_an_r2_of_0_and_a_column_that_does_not_change_does_not_count():
    assert TASK.measure(TARGETS, 0 * OUTPUTS)["r2"] == pytest.approx(0, abs=1e-12)
    exact = (TARGETS - TASK.means) / TASK.deviations
    assert TASK.measure(TARGETS, exact)["r2"] == 1
    same = np.stack([TARGETS[:, 0], np.full(3, -250.0)], axis=1)
    assert TASK.measure(same, np.stack([exact[:, 0], [0, 1, 2]], axis=1))["r2"] == 1


def test_targets_far_from_zero():
    """Times in seconds: squares of the targets would hide errors of a second."""
    task = ImageRegression((1.7e9,), (10.0,))
    targets = 1.7e9 + np.array([[-10.0], [0.0], [10.0]])
    found = task.measure(targets, [[-0.9], [0.0], [0.9]])
    assert found["rmse"] == pytest.approx(np.sqrt(2 / 3), rel=1e-9)
    assert found["r2"] == pytest.approx(1 - 2 / 200, rel=1e-9)


def test_settings_without_meaning():
    for means, deviations in (((1, 2), (1,)), ((1,), (0,))):
        with pytest.raises(UserError, match="give one of each a column, deviations above 0"):
            ImageRegression(means, deviations)
    with pytest.raises(UserError, match="has 1 columns; the targets have 2"):
        ImageRegression().losses(TARGETS, tf.constant(OUTPUTS))
    with pytest.raises(UserError, match="label smoothing"):
        TASK.training_losses(TARGETS, tf.constant(OUTPUTS), 0.1)
    objective = tasks.get("image_regression").objective
    assert (objective.name, objective.direction) == ("r2", "max")
