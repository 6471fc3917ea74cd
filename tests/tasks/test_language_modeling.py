import types

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError

TARGETS = tf.constant([[0, 1], [1, 3]])
LOGITS = tf.math.log([[[0.5, 0.25, 0.125, 0.125]] * 2] * 2)
#: In bits: 1 and 2, 2 and 3.
BITS = np.array([[1, 2], [2, 3]])


def test_the_loss_is_the_mean_of_all_steps():
    task = tasks.get("language_modeling")
    np.testing.assert_allclose(task.losses(TARGETS, LOGITS), BITS * np.log(2), rtol=1e-6)
    total, count = task.counted_loss(TARGETS, LOGITS)
    assert float(total / count) == pytest.approx(2 * np.log(2)) and count == 4


@pytest.mark.parametrize(
    "name, measure, whole, masked",
    [
        ("language_modeling", "perplexity", 4.0, 2**1.5),
        ("character_modeling", "bits_per_character", 2.0, 1.5),
    ],
)
def test_measures(name, measure, whole, masked):
    task = tasks.get(name)
    assert (task.objective.name, task.objective.direction) == (measure, "min")
    metric = task.metrics()[0]()
    metric.update_state(TARGETS, LOGITS)
    assert float(metric.result()) == pytest.approx(whole, rel=1e-6)
    metric.reset_state()
    metric.update_state(TARGETS, LOGITS, [[1.0, 1.0], [0.0, 0.0]])
    assert float(metric.result()) == pytest.approx(masked, rel=1e-6)
    assert tasks.serialize(task) == name


def test_windows_count_by_their_length():
    metric = tasks.LanguageModeling("bits_per_character").metrics()[0]()
    metric.update_state(TARGETS[:1], LOGITS[:1])
    metric.update_state(TARGETS[1:, 1:], LOGITS[1:, 1:])
    assert float(metric.result()) == pytest.approx((1 + 2 + 3) / 3, rel=1e-6)


def test_the_state_is_the_models():
    task = tasks.get("language_modeling")
    model = types.SimpleNamespace(initial_state=lambda batch_size: [tf.zeros((batch_size, 2))])
    assert task.carries_state and task.initial_state(model, 3)[0].shape == (3, 2)
    np.testing.assert_allclose(task.answers(LOGITS)["probabilities"][0, 0, 0], 0.5, rtol=1e-6)


def test_an_unknown_measure():
    with pytest.raises(UserError, match="'accuracy'; expected one of perplexity, bits_per_char"):
        tasks.LanguageModeling("accuracy")


def test_the_rate_is_for_windows_of_so_many_steps():
    targets = tf.zeros([2, 7], tf.int32)
    np.testing.assert_allclose(tasks.LanguageModeling().rate_factor(targets), 0.2, rtol=1e-6)
    np.testing.assert_allclose(tasks.LanguageModeling(steps=7).rate_factor(targets), 1.0)
    assert tasks.LanguageModeling(steps=None).rate_factor(targets) is None
