import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.tasks import MultiLabelClassification

LABELS = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
LOGITS = np.array(
    [[2.0, 0.5, 1.0], [1.0, -1.0, -2.0], [-0.5, -1.0, 0.0], [-3.0, 0.25, 0.0], [0.0, 1.5, 3.0]],
    np.float32,
)


def cross_entropies(labels, logits):
    p = 1 / (1 + np.exp(-logits.astype(float)))
    return -(labels * np.log(p) + (1 - labels) * np.log(1 - p))


def test_the_loss_is_the_mean_over_the_labels():
    task, expected = MultiLabelClassification(3), cross_entropies(LABELS, LOGITS)
    found = task.losses(tf.constant(LABELS), tf.constant(LOGITS))
    np.testing.assert_allclose(found, expected.mean(axis=1), rtol=1e-6)
    weighted = MultiLabelClassification(3, positive_weights=(2, 1, 5))
    expected *= np.where(LABELS, [2, 1, 5], 1)
    found = weighted.losses(tf.constant(LABELS), tf.constant(LOGITS))
    np.testing.assert_allclose(found, expected.mean(axis=1), rtol=1e-6)


def test_smoothed_targets():
    """0 and 1 become 0.1 and 0.9, as in Keras."""
    found = MultiLabelClassification(3).training_losses(
        tf.constant(LABELS), tf.constant(LOGITS), 0.2
    )
    expected = cross_entropies(0.1 + 0.8 * LABELS, LOGITS).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_half_precision_is_computed_in_float32():
    found = MultiLabelClassification(3).losses(LABELS, tf.constant(LOGITS, tf.bfloat16))
    assert found.dtype == tf.float32


def measure(labels, logits, parts=1, weights=None):
    found = {}
    for metric in MultiLabelClassification(labels.shape[1]).metrics():
        one = metric("float64")
        for rows in np.array_split(np.arange(len(labels)), parts):
            some = None if weights is None else weights[rows]
            one.update_state(labels[rows], tf.constant(logits[rows]), some)
        found[metric.name] = float(one.result())
    return found


def test_metrics_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    labels = (random.random((300, 4)) < [0.5, 0.1, 0.02, 0.9]).astype(int)
    # With ties, and beyond the smallest and the largest logit that are told apart.
    logits = np.round(random.normal(size=(300, 4)) + 2 * labels, 1)
    logits = (np.floor(logits * 128) / 128).astype(np.float32)
    weights = random.integers(1, 4, 300)
    found = measure(labels, logits, parts=3)
    expected = metrics.average_precision_score(labels, logits, average="macro")
    assert found["mean_average_precision"] == pytest.approx(expected, abs=1e-12)
    assert found["f1"] == pytest.approx(metrics.f1_score(labels, logits > 0, average="micro"))
    found = measure(labels, logits, weights=weights)
    expected = metrics.average_precision_score(labels, logits, sample_weight=weights)
    assert found["mean_average_precision"] == pytest.approx(expected, abs=1e-12)


def test_a_label_that_no_example_has_does_not_count():
    labels = LABELS * [1, 0, 1]
    expected = np.mean(
        [metrics.average_precision_score(labels[:, i], LOGITS[:, i]) for i in (0, 2)]
    )
    assert measure(labels, LOGITS)["mean_average_precision"] == pytest.approx(expected)
    assert measure(0 * LABELS, LOGITS) == {"mean_average_precision": 0, "f1": 0}


def test_large_logits_are_one_threshold():
    labels, logits = np.array([[1], [0], [0]]), np.array([[900.0], [20.0], [-1e9]], np.float32)
    assert measure(labels, logits)["mean_average_precision"] == 0.5


def test_answers_and_objective():
    task = MultiLabelClassification(3, threshold=0.7)
    answers = task.answers(tf.constant(LOGITS, tf.bfloat16))
    assert answers["probabilities"].dtype == tf.float32
    np.testing.assert_allclose(answers["probabilities"][0], 1 / (1 + np.exp(-LOGITS[0])), 1e-6)
    np.testing.assert_array_equal(answers["present"][:3], [[1, 0, 1], [1, 0, 0], [0, 0, 0]])
    assert task.objective.larger_is_better
    assert tasks.get("multi_label_classification").objective.name == "mean_average_precision"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, "the threshold is 1.0"),
        ({"positive_weights": (1, 2)}, "the weights of 3 labels"),
        ({"positive_weights": (1, 2, 0)}, "a number above 0"),
    ],
)
def test_settings_without_meaning(options, message):
    with pytest.raises(UserError, match=message):
        MultiLabelClassification(3, **options)


def test_another_number_of_labels():
    with pytest.raises(UserError, match="has 2 labels; the targets have 3 and the outputs 3"):
        MultiLabelClassification(2).losses(tf.constant(LABELS), tf.constant(LOGITS))
