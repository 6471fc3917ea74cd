import numpy as np
import pytest
import tensorflow as tf

from darts_tf.runtime.train_function import TrainFunction
from darts_tf.tasks import ImageClassification, Task

STREAMS = {"architecture": "validation", "weights": "train"}


class Squares(Task):
    """Squared errors of sequences, `[batch, time]`."""

    def losses(self, targets, outputs):
        return (outputs - targets) ** 2


class Echo:
    """A step whose outputs are the inputs; the loss of a level is that of its batch."""

    def __init__(self, task):
        self._task = task

    def __call__(self, batches, frozen=False):
        losses = {}
        for level, batch in batches.items():
            inputs, targets, weights = self._task.unpack(batch)
            total, count = self._task.counted_loss(targets, inputs, weights)
            losses[level] = total / count
        one = tf.ones(())
        return {
            "losses": losses,
            "outputs": self._task.unpack(batches["weights"]).inputs,
            "carried": {},
            "finite": one,
            "complete": one,
            "entropies": tf.zeros((1,)),
        }


def logs(task, *batches, validation=None, sizes=None):
    strategy = tf.distribute.get_strategy()
    given = {} if sizes is None else {"batch_sizes": sizes}
    run = TrainFunction(Echo(task), strategy, STREAMS, task=task, **given)
    for batch, other in zip(batches, validation or [batches[0]] * len(batches), strict=True):
        run(batch, other, frozen=False)
    return run.logs(frozen=False)


def window(values):
    values = tf.constant(values, tf.float32)
    return values, tf.zeros_like(values)


def test_the_loss_counts_the_steps_of_windows_of_different_lengths():
    found = logs(Squares(), window([[1.0, 1, 1, 1]]), window([[3.0]]))
    # (4 * 1 + 1 * 9) / 5, where the mean of the two batches is 5.
    assert found["loss"] == pytest.approx(13 / 5)
    # Of the same batch twice.
    assert found["architecture_loss"] == 1


def test_what_is_masked_counts_nowhere():
    inputs, targets = window([[1.0, 100.0], [1.0, 1.0]])
    masked = (inputs, targets, tf.constant([[1.0, 0.0], [1.0, 1.0]]))
    found = logs(Squares(), masked, window([[2.0, 2.0], [2.0, 2.0]]))
    assert found["loss"] == pytest.approx((3 * 1 + 4 * 4) / 7)


def test_every_level_counts_the_elements_of_its_own_batches():
    train = window([[1.0, 1]]), window([[1.0, 1]])
    found = logs(Squares(), *train, validation=[window([[1.0, 1, 1, 1]]), window([[3.0]])])
    assert found["architecture_loss"] == pytest.approx(13 / 5)
    assert found["loss"] == 1


@pytest.mark.parametrize(
    ("values", "mask", "count"),
    [
        ([[1.0, 100.0], [1.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]], 3),
        ([[100.0, 100.0], [1.0, 1.0]], [0.0, 1.0], 2),
    ],
)
def test_masks_count_nowhere_in_the_losses_of_other_levels(values, mask, count):
    masked = (*window(values), tf.constant(mask))
    train = [window([[1.0, 1], [1.0, 1]])] * 2
    found = logs(Squares(), *train, validation=[masked, window([[2.0, 2.0], [2.0, 2.0]])])
    assert found["architecture_loss"] == pytest.approx((count * 1 + 4 * 4) / (count + 4))


def test_batches_of_different_sizes():
    """A mean over examples, where the streams say that their batches differ."""
    batches = [window([[1.0], [1.0], [1.0]]), window([[3.0]])]
    differ = {"train": None, "validation": None}
    found = logs(Squares(), *batches, validation=batches, sizes=differ)
    assert found["loss"] == found["architecture_loss"] == pytest.approx(12 / 4)


def test_images_have_the_mean_of_their_batches_to_the_last_bit():
    draw = np.random.default_rng(0)
    batches = [
        (tf.constant(draw.normal(size=(6, 3)), tf.float32), tf.constant(draw.integers(0, 3, 6)))
        for _ in range(3)
    ]
    task = ImageClassification()
    losses = [tf.divide(*task.counted_loss(labels, logits)) for logits, labels in batches]
    assert logs(task, *batches)["loss"] == float((losses[0] + losses[1] + losses[2]) / 3)
