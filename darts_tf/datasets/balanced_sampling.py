"""An order of unequal classes in which all of them come equally often."""

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import splits


def balanced_order(labels, seed: int, epoch: int) -> np.ndarray:
    """The examples of an epoch, as many as there are, of which every class has the same number.

    Class-balanced sampling (Kang et al., ICLR 2020, arXiv 1910.09217, section 3, equation 1 with
    q = 0), without the chance in it. Every class has its own endless row of examples: all of them
    in a random order, then all in another one, and so on. An epoch takes the next examples of each
    row. So those of a small class come several times, and those of a large one all in turn, over
    several epochs.

    Args:
        labels: integers `[N]`.
        seed: of the order.
        epoch: its number, from 0.

    Returns:
        int64 `[N]`, a function of the arguments alone. The numbers of two classes differ by 1 at
        most.

    Raises:
        UserError: a seed is out of range, or examples have not one class each.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UserError(
            f"labels have type {labels.dtype} and shape {list(labels.shape)}: only integers of "
            "shape [examples], one class each, can come equally often"
        )
    classes = np.unique(labels)
    each, left = divmod(len(labels), len(classes))
    chosen = []
    for number, name in enumerate(classes):
        members = np.flatnonzero(labels == name)
        quota = each + (number < left)
        places = epoch * quota + np.arange(quota)
        rounds = places // len(members)
        for one in np.unique(rounds):
            order = splits.permutation(len(members), seed, int(name), int(one))
            chosen.append(members[order[places[rounds == one] % len(members)]])
    return np.concatenate(chosen)[splits.permutation(len(labels), seed, epoch)]
