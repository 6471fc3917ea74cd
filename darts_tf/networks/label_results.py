"""What a network's outputs are worth for every label, and for every column of numbers."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from darts_tf.networks.network import without_training
from darts_tf.tasks import ImageRegression, Task
from darts_tf.tasks.average_precision import MeanAveragePrecision


def positive_weights(labels: np.ndarray) -> tuple[float, ...]:
    """By what the images that have a label weigh as much as those that have not.

    Args:
        labels: 0 or 1, `[N, K]`.

    Returns:
        Of every label the images without by those with it; 1 where there are none of a kind.
    """
    having = labels.sum(axis=0)
    without = len(labels) - having
    weights = np.where((having > 0) & (without > 0), without / np.maximum(having, 1), 1)
    return tuple(weights.tolist())


def outputs_for(network: keras.Model, data: tf.data.Dataset, task: Task) -> np.ndarray:
    """The outputs of a network for all examples, in their order, float32 `[N, K]`.

    Args:
        network: from `build_network`.
        data: batches of the task.
        task: what they are for.
    """
    network = without_training(network)
    found = [network.predict_on_batch(task.unpack(batch).inputs) for batch in data]
    return np.concatenate(found).astype(np.float32)


def of_labels(labels: np.ndarray, logits: np.ndarray, names: Sequence[str]) -> dict:
    """Average precision, precision, recall and F1 of every label, the last three at 0.5.

    Args:
        labels: 0 or 1, `[N, K]`.
        logits: `[N, K]`.
        names: of the labels.

    Returns:
        `test_labels`: name -> the values, None where there are none; JSON-ready.
    """
    metric = MeanAveragePrecision(len(names), dtype="float64")
    metric.update_state(labels, logits)
    named = logits > 0
    right, having, said = (
        x.sum(axis=0).tolist() for x in (named & (labels > 0), labels > 0, named)
    )
    rows = zip(names, metric.by_label().numpy().tolist(), right, having, said, strict=True)
    return {
        "test_labels": {
            name: {
                "examples": count,
                "average_precision": precision if count else None,
                "precision": hits / found if found else None,
                "recall": hits / count if count else None,
                "f1": 2 * hits / (found + count) if found + count else None,
            }
            for name, precision, hits, count, found in rows
        }
    }


def of_numbers(
    targets: np.ndarray, outputs: np.ndarray, names: Sequence[str], task: ImageRegression
) -> dict:
    """R2, RMSE and MAE of every column, the last two in its own unit.

    Args:
        targets: in the data's units, `[N, K]`.
        outputs: standardised, `[N, K]`.
        names: of the columns.
        task: what they are for.

    Returns:
        `test_numbers`: name -> the values, JSON-ready.
    """
    found = {}
    for number, name in enumerate(names):
        rows = slice(number, number + 1)
        alone = ImageRegression(task.means[rows], task.deviations[rows])
        found[name] = alone.measure(targets[:, rows], outputs[:, rows])
    return {"test_numbers": found}
