"""Losses by their closed forms: means of what counts, whatever the shape."""

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.tasks import ImageClassification, MeanLoss, Metric, Objective, Task
from darts_tf.tasks.keras_loss import TaskLoss


class Squares(Task):
    """Squared errors, `[batch, time]` or `[batch]` as the targets are."""

    def losses(self, targets, outputs):
        return (outputs - targets) ** 2


TARGETS = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
OUTPUTS = tf.zeros((2, 3))


def mean(task, weights=None, outputs=OUTPUTS):
    return float(tf.math.divide_no_nan(*task.counted_loss(TARGETS, outputs, weights)))


class TestLoss:
    def test_a_sequence_has_the_mean_of_its_steps(self):
        total, count = Squares().counted_loss(TARGETS, OUTPUTS)
        assert (float(total), float(count)) == (91.0, 6.0) and total.dtype == tf.float32
        assert mean(Squares()) == pytest.approx(91 / 6)

    @pytest.mark.parametrize(
        "weights, expected",
        [
            ([[1, 1, 0], [1, 0, 0]], (1 + 4 + 16) / 3),
            ([1, 0], (1 + 4 + 9) / 3),
            ([0.5, 1.5], (0.5 * 14 + 1.5 * 77) / 6),
            ([0, 0], 0.0),
        ],
    )
    def test_weights_of_steps_and_of_examples(self, weights, expected):
        assert mean(Squares(), tf.constant(weights)) == pytest.approx(expected)

    def test_what_is_masked_may_be_no_number(self):
        outputs = tf.Variable([[0.0, 0.0, np.nan], [0.0, np.inf, 0.0]])
        weights = tf.constant([[1, 1, 0], [1, 0, 0]])
        assert mean(Squares(), weights, outputs) == 7.0

    def test_own_losses(self):
        task = Squares().with_loss(lambda targets, outputs: abs(targets - outputs))
        assert mean(task) == 3.5 and mean(Squares()) == pytest.approx(91 / 6)
        assert tasks.get(Squares(), task.losses).losses is task.losses

    def test_the_mean_over_batches_counts_elements(self):
        metric = MeanLoss()
        for total, count in ((6.0, 3), (10.0, 1)):
            metric.update_state(total, count)
        assert float(metric.result()) == 4.0
        metric.reset_state()
        assert float(metric.result()) == 0.0


class TestTask:
    def test_batches_as_keras_has_them(self):
        task = Squares()
        assert task.unpack((1, 2)) == (1, 2, None)
        assert task.unpack((1, 2, 3)) == (1, 2, 3)
        assert task.unpack_with_state((1, 2)) == ((1, 2, None), None)

    def test_the_state_is_the_last_part_of_a_batch(self):
        class Stateful(Squares):
            def initial_state(self, model, batch_size):
                return tf.zeros((batch_size, 2))

        task = Stateful()
        assert task.carries_state and not Squares().carries_state
        assert task.unpack_with_state((1, 2, "state")) == ((1, 2, None), "state")
        assert task.unpack_with_state((1, 2, 3, "state")) == ((1, 2, 3), "state")

        def model(inputs, state=None, training=False):
            return inputs + 1, (state, training)

        assert task.call(model, 1, "state", training=True) == (2, ("state", True))
        assert Squares().call(lambda inputs, training: inputs + 1, 1, training=True) == (2, None)

    def test_objective(self):
        assert Squares().objective == Objective("loss", larger_is_better=False)
        assert ImageClassification().objective == Objective("accuracy", larger_is_better=True)
        loss, accuracy = Squares().objective, ImageClassification().objective
        assert (loss.direction, accuracy.direction) == ("min", "max")
        assert (loss.score(2.0), accuracy.score(2.0)) == (-2.0, 2.0)
        for objective in (loss, accuracy):
            assert [objective.score(x) for x in (None, math.nan)] == [-math.inf, -math.inf]

    def test_no_smoothing_unless_the_task_knows_it(self):
        np.testing.assert_array_equal(Squares().training_losses(TARGETS, OUTPUTS), TARGETS**2)
        with pytest.raises(UserError, match="smoothing is 0.1, but the task 'Squares' has none"):
            Squares().training_losses(TARGETS, OUTPUTS, 0.1)

    def test_made_up_inputs_fit_the_signature(self):
        signature = {"x": tf.TensorSpec([50, 2]), "i": tf.TensorSpec([9], tf.int64)}
        made = Squares().made_up_inputs(signature, np.random.default_rng(0))
        assert made["x"].shape == (50, 2) and made["x"].dtype == np.float32
        assert abs(made["x"].std() - 1) < 0.3 and set(made["i"]) == {0, 1}


class TestMetric:
    def test_of_a_name_and_a_type(self):
        metric = Metric("top", keras.metrics.SparseTopKCategoricalAccuracy, True)("float64")
        assert metric.name == "top" and metric.dtype == "float64"

    def test_mean_of_elements(self):
        metric = Metric.mean("error", lambda x, y: abs(x - y), False)("float64")
        metric.update_state(TARGETS, OUTPUTS, tf.constant([[1, 1, 0], [1, 0, 0]]))
        assert float(metric.result()) == pytest.approx(7 / 3) and metric.total.dtype == "float64"
        metric.update_state(TARGETS[:, :1], OUTPUTS[:, :1])
        assert float(metric.result()) == pytest.approx(12 / 5) and metric.name == "error"

    def test_curves(self):
        assert Metric("mean_error", keras.metrics.Mean, False).title == "Mean error"
        assert ImageClassification().curves() == {
            "loss": ("Loss", False),
            "accuracy": ("Accuracy", True),
        }

    def test_loss_is_taken(self):
        with pytest.raises(UserError, match="named 'loss'"):
            Metric("loss", keras.metrics.Mean, False)


class TestImageClassification:
    labels, logits = tf.constant([0, 2]), tf.constant([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])

    def test_losses(self):
        first = np.log(np.exp(2) + 2) - 2
        found = ImageClassification().losses(self.labels, self.logits)
        np.testing.assert_allclose(found, [first, np.log(3)], rtol=1e-6)
        total, count = ImageClassification().counted_loss(self.labels, self.logits)
        assert float(total) == pytest.approx(first + np.log(3)) and float(count) == 2

    def test_accuracy(self):
        (metric,) = (metric() for metric in ImageClassification().metrics())
        metric.update_state(self.labels, self.logits)
        assert float(metric.result()) == 0.5

    def test_answers(self):
        found = ImageClassification().answers(tf.cast(self.logits, tf.float16))
        np.testing.assert_allclose(found["probabilities"][1], [1 / 3] * 3, rtol=1e-6)
        assert found["probabilities"].dtype == tf.float32
        np.testing.assert_array_equal(found["class_ids"], [0, 0])


class TestRegistry:
    def test_what_stands_for_a_task(self):
        assert isinstance(tasks.get(), ImageClassification)
        assert isinstance(tasks.get("image_classification"), ImageClassification)
        assert isinstance(tasks.get(Squares), Squares)
        assert tasks.serialize(ImageClassification()) == "image_classification"
        assert tasks.label(Squares()) == "Squares" and tasks.names()[0] == "image_classification"
        with pytest.raises(UserError, match="unknown task 'language'; expected one of image_c"):
            tasks.get("language")

    def test_own_losses_have_no_name(self):
        task = tasks.get(loss=abs)
        assert tasks.serialize(task) is task
        with pytest.raises(UserError, match="ImageClassification has no name"):
            keras.saving.serialize_keras_object(TaskLoss(task))

    def test_a_configuration(self, monkeypatch):
        @dataclasses.dataclass(frozen=True)
        class Scaled(Squares):
            scale: float = 1.0

            def losses(self, targets, outputs):
                return self.scale * super().losses(targets, outputs)

        monkeypatch.setattr(tasks._TASKS, "_entries", dict(tasks._TASKS))
        tasks.register("scaled", Scaled)
        assert tasks.serialize(Scaled()) == "scaled"
        configuration = tasks.serialize(Scaled(2.0))
        assert tasks.get(configuration) == Scaled(2.0)
        assert mean(tasks.get(configuration)) == pytest.approx(91 / 3)
        assert not isinstance(tasks.serialize(Scaled(2.0).with_loss(abs)), dict)


class TestTaskLoss:
    @pytest.mark.parametrize("weights", [None, [[1, 1, 0], [1, 0, 0]], [0, 1]])
    def test_is_the_mean_of_what_counts(self, weights):
        loss = TaskLoss(Squares())
        weights = None if weights is None else tf.constant(weights, tf.float32)
        assert float(loss(TARGETS, OUTPUTS, weights)) == pytest.approx(mean(Squares(), weights))

    def test_the_targets_keep_their_type(self):
        seen = []
        task = Squares().with_loss(lambda targets, outputs: seen.append(targets.dtype) or outputs)
        TaskLoss(task)(tf.constant([1, 2]), tf.constant([0.0, 0.0]))
        assert seen == [tf.int32]

    def test_label_smoothing(self):
        labels, logits = TestImageClassification.labels, TestImageClassification.logits
        rows = -tf.nn.log_softmax(logits).numpy()
        expected = np.mean([0.9 * rows[0, 0] + 0.1 * rows[0].mean(), np.log(3)])
        assert float(TaskLoss(label_smoothing=0.1)(labels, logits)) == pytest.approx(expected)
