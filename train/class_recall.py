"""The recall of every class of the test images, where classes are unequal."""

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np

from darts_tf.networks.class_predictions import ClassPredictions
from train.task_data import TaskData

# How many times as many examples the largest class has as the smallest one, to be called unequal.
_UNEQUAL = 1.5
_MOST_LINES = 10


def report(found: ClassPredictions, data: TaskData, asked: bool) -> dict:
    """Prints the recall of the classes, and returns it JSON-ready; nothing of equal classes.

    Args:
        found: the predictions for the test part.
        data: images by class.
        asked: whether it is wanted of equal classes too.
    """
    counts = np.bincount(data.test.labels, minlength=len(data.class_names))
    trained = np.bincount(data.training.labels, minlength=len(data.class_names))
    unequal = any(c.max() > _UNEQUAL * c.min() for c in (counts, trained))
    if not (asked or unequal):
        return {}
    right = found.right
    recall = {
        name: hits / count if count else None
        for name, hits, count in zip(data.class_names, right.tolist(), counts.tolist(), strict=True)
    }
    present = [value for value in recall.values() if value is not None]
    balanced = float(np.mean(present))
    worst = sorted((value, name) for name, value in recall.items() if value is not None)
    print(f"recall by class (mean {balanced:.4f}):")
    for value, name in worst[:_MOST_LINES]:
        index = data.class_names.index(name)
        print(f"  {name}: {value:.4f} ({right[index]} of {counts[index]})")
    if len(worst) > _MOST_LINES:
        print(f"  and {len(worst) - _MOST_LINES} more classes, in result.json")
    return {"test_recall": recall, "test_balanced_accuracy": balanced}
