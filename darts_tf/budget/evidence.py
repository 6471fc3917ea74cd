"""What the answers of a short training say of a network."""

import math

import numpy as np
from scipy import optimize, special

# The logarithms of the factors of logits that are tried.
_FACTORS = -3.0, 3.0


def of_answers(logits: np.ndarray, targets: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """The evidence of a validation part.

    The score is the mean logarithm of the probability of the right class, of probabilities by the
    temperature that suits these images best (Guo, Pleiss, Sun, Weinberger, On Calibration of Modern
    Neural Networks, ICML 2017, section 4.2). A right answer alone says less of a short training:
    two of one network agree less on their accuracy than on this (docs/auto_evidence.md). The
    temperature takes away that a longer training makes a network too sure, by which its loss grows
    while it becomes better.

    Args:
        logits: `[N, classes]`.
        targets: the classes, `[N]`.
        counts: what each image counts, `[N]`.

    Returns:
        `score`, not a number if a logit is none, and its standard error `deviation`, as that of a
        mean of independent images; `accuracy`, a share; and the `loss` without a temperature.
    """
    logits, images = logits.astype(np.float64), np.arange(len(targets))
    # As many independent images, each of which counts as one.
    number = counts.sum() ** 2 / np.square(counts).sum()

    def losses(factor: float) -> np.ndarray:
        return -special.log_softmax(math.exp(factor) * logits, axis=1)[images, targets]

    def mean(values) -> float:
        return float(np.average(values, weights=counts))

    found = {"accuracy": mean(logits.argmax(1) == targets), "loss": mean(losses(0.0))}
    if not np.isfinite(logits).all():
        return {"score": math.nan, "deviation": 0.0, **found}
    # Convex in the factor itself, so that there is one minimum.
    best = optimize.minimize_scalar(lambda x: mean(losses(x)), bounds=_FACTORS, method="bounded")
    each = losses(best.x)
    deviation = math.sqrt(mean(np.square(each - mean(each))) / number)
    return {"score": -mean(each), "deviation": deviation, **found}
