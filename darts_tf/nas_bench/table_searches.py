"""Results of searches of a table of known accuracies after 1, 2, ... evaluations.

A search looks at the validation accuracies; what it found is judged by the test accuracy.
"""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from darts_tf.nas_bench.tables import BenchmarkTable

#: The column that is searched, and the one that judges.
SEARCHED, JUDGED = "cifar10_val", "cifar10_test"


def best_so_far(table: BenchmarkTable, evaluated: Sequence[int]) -> np.ndarray:
    """The index of the best architecture, by the searched column, after every evaluation.

    Args:
        table: holds the accuracies.
        evaluated: indices of the architectures in the order of their evaluation, `[evaluations]`.

    Returns:
        `[evaluations]`; of equals the one that was evaluated first.
    """
    scores = table.column(SEARCHED)[list(evaluated)]
    return np.array([evaluated[int(np.argmax(scores[: n + 1]))] for n in range(len(scores))])


def as_csv(
    table: BenchmarkTable, found: Mapping[str, np.ndarray], budgets: Sequence[int], head="method"
) -> str:
    """Mean and standard deviation over the seeds, a line for each method and budget.

    Args:
        table: holds the accuracies.
        found: method -> indices of the best so far, `[seeds, evaluations]`.
        budgets: numbers of evaluations; those that a method has not reached are left out.
        head: the heading of the first column.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([head, "evaluations", "seeds", "test_mean", "test_std", "val_mean", "val_std"])
    for name, indices in found.items():
        for budget in [budget for budget in budgets if budget <= indices.shape[1]]:
            at = indices[:, budget - 1]
            accuracies = [table.column(column)[at] for column in (JUDGED, SEARCHED)]
            numbers = [x for values in accuracies for x in (values.mean(), values.std())]
            writer.writerow([name, budget, len(at), *(f"{number:.2f}" for number in numbers)])
    return lines.getvalue()
