"""How good a network is: figures with their intervals, classes, confusions and mistakes."""

from collections.abc import Sequence

from scipy import stats

from darts_tf.report.predictions import ClassResult, Predictions
from darts_tf.report.run import Run, as_text, words

# As many classes as fit into a table of counts, and as lines of accuracies are read.
_MOST_COLUMNS = 20
_MOST_LINES = 30


def interval(accuracy: float, examples: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson 1927, equation 4; by SciPy).

    Args:
        accuracy: the share, in [0, 1].
        examples: of how many.

    Returns:
        Its lower and upper end.
    """
    right = round(accuracy * examples)
    found = stats.binomtest(right, examples).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def headline(run: Run) -> list[tuple[str, str, str]]:
    """The first figures of a run: name, value, and what has to be known of it."""
    found = []
    examples = run.result.get("test_examples")
    for key, value in run.result.items():
        if not key.startswith("test_") or isinstance(value, bool):
            continue
        if not isinstance(value, int | float) or key in ("test_examples", "test_loss"):
            continue
        note = ""
        if key == "test_accuracy" and isinstance(examples, int) and 0 <= value <= 1 <= examples:
            low, high = interval(value, examples)
            note = f"95 % interval {low:.4f} to {high:.4f}, of {examples:,} test images"
        found.append((words(key), as_text(value), note))
    best = [key for key in run.result if key.startswith("best_supernet_validation_")]
    found += [(words(key), as_text(run.result[key]), "of the supernet") for key in best]
    network = run.result.get("network")
    sizes = network if isinstance(network, dict) else run.result
    for key in ("parameters", "multiply_adds"):
        if isinstance(sizes.get(key), int):
            note = "of the network of the found cell" if sizes is network else ""
            found.append((words(key), as_text(sizes[key]), note))
    return found


def view(predictions: Predictions | None) -> dict | None:
    """The values that the template shows of predictions."""
    if predictions is None:
        return None
    classes = [one for one in predictions.classes if one.examples]
    shown = classes
    if len(classes) > _MOST_LINES:
        shown = sorted(classes, key=lambda one: one.right / one.examples)[:_MOST_LINES]
    few = len(predictions.classes) <= _MOST_COLUMNS
    return {
        "classes": [_accuracy(one) for one in shown],
        "left_out": len(classes) - len(shown),
        "names": [one.name for one in predictions.classes],
        "confusion": [_counts(one, predictions.classes) for one in classes] if few else [],
        "confused": [] if few else _pairs(classes),
        "mistakes": predictions.mistakes,
        "wrong": sum(one.examples - one.right for one in classes),
    }


def _accuracy(one: ClassResult) -> dict:
    share = one.right / one.examples
    low, high = interval(share, one.examples)
    return {"result": one, "accuracy": share, "low": low, "high": high}


def _counts(one: ClassResult, classes: Sequence[ClassResult]) -> tuple[str, list[dict]]:
    """A line of the table of confusions: a class, and how many of it were taken for each class."""
    line = []
    for other in classes:
        right = other.name == one.name
        count = one.right if right else one.taken_for.get(other.name, 0)
        line.append({"count": count, "share": count / one.examples, "right": right})
    return one.name, line


def _pairs(classes: Sequence[ClassResult]) -> list[dict]:
    """The confusions that are most frequent."""
    found = [
        {"class": one.name, "taken for": name, "images": count, "of": one.examples}
        for one in classes
        for name, count in one.taken_for.items()
    ]
    return sorted(found, key=lambda pair: -pair["images"])[:_MOST_LINES]
