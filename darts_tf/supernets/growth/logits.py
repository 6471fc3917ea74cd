"""Logits of operations that are copied or removed, so that the others' weights are as before.

Both are ours where Jie and Gao (arXiv 2106.07211) say what is to hold and not how: a copied
operation shares its weight with the copy, and the weight of a removed one goes to the rest.
"""

from collections.abc import Sequence

import numpy as np


def shared(logits: np.ndarray, column: int) -> np.ndarray:
    """The logits with one more column, of a copy that has half of the weight of its original.

    exp(a - log 2) + exp(a - log 2) = exp(a), so that the softmax's sum is what it was.

    Args:
        logits: of an edge, `[operations]`.
        column: of the original.

    Returns:
        `[operations + 1]`, the copy last.
    """
    half = logits[column] - np.log(2.0).astype(logits.dtype)
    found = np.append(logits, half)
    found[column] = half
    return found


def kept(weights: Sequence[float], below: float = 0.05, decided: float = 0.5) -> np.ndarray:
    """Which operations of an edge stay when those of little weight are removed.

    A threshold below which an operation goes, and one above which the edge is as good as decided
    and is left alone, are the paper's; their values are ours. The weight of what goes is that of
    the others in their proportion, p_i / (1 - p_removed): a softmax over the logits that are left
    does that by itself.

    Args:
        weights: the operation weights of the candidates, `[operations]`.
        below: a smaller weight goes.
        decided: where the largest weight is larger, nothing goes.

    Returns:
        Booleans `[operations]`, at least one of them True.
    """
    weights = np.asarray(weights)
    if weights.max() > decided:
        return np.ones(len(weights), bool)
    return (weights >= below) | (weights == weights.max())
