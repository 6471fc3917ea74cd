"""Stratified choices: every class keeps its share of the examples."""

import numpy as np

from darts_tf.common.errors import UserError

HOLD_OUT_FRACTION = 0.2
_HOLD_OUT_SEED = 0


def permutation(count, *seeds):
    """Returns a permutation of `range(count)` that depends on `seeds` alone.

    Args:
        count: Number of elements.
        *seeds: Integers in `[0, 2**32)`.

    Returns:
        An int64 array of shape `[count]`.

    Raises:
        UserError: If a seed is out of range.
    """
    for seed in seeds:
        if not 0 <= seed < 2**32:
            raise UserError(f"seed {seed} is out of range: give an integer from 0 to 2**32 - 1")
    # RandomState's stream is frozen for good; that of numpy's newer generators may change with a
    # release, and a held-out test part must stay the same.
    return np.random.RandomState(seeds).permutation(count)


def split(images, labels, fraction=0.5, seed=0):
    """Divides examples in two parts, each with the same share of every class.

    Args:
        images: Array of shape `[N, ...]`.
        labels: Integer array of shape `[N]`.
        fraction: Share of the examples that goes to the first part, between 0 and 1.
        seed: Decides which examples go where. Within a part the original order is kept.

    Returns:
        `((images, labels), (images, labels))`: `round(fraction * N)` examples, and the rest.

    Raises:
        UserError: If `fraction` is not between 0 and 1, if one of the parts would have no example
            of a class, or if `images` and `labels` differ in length.
    """
    labels = np.asarray(labels)
    if len(images) != len(labels):
        raise UserError(f"{len(images)} images have {len(labels)} labels: give one label an image")
    if not 0 < fraction < 1:
        raise UserError(f"split fraction is {fraction}: it must lie between 0 and 1, both excluded")
    classes, counts = np.unique(labels, return_counts=True)
    quotas = _apportion(counts, round(fraction * len(labels)))
    for name, count, quota in zip(classes, counts, quotas, strict=True):
        if quota in (0, count):
            raise UserError(
                f"split fraction {fraction} leaves one part without an example of class {name}, "
                f"which has {count}: choose a fraction nearer 0.5 or give more examples"
            )
    first, second = _choose(labels, classes, quotas, seed)
    # Images in a file stay there.
    take = images.select if hasattr(images, "select") else images.__getitem__
    return (take(first), labels[first]), (take(second), labels[second])


def hold_out(labels, name, class_names):
    """Sets a fixed fifth of the examples aside for testing, at least one of every class.

    Args:
        labels: Integer array of shape `[N]`.
        name: The data set's name, for the error.
        class_names: One name a class, for the error.

    Returns:
        `(train_indices, test_indices)`, both sorted. They depend on `labels` alone.

    Raises:
        UserError: If a class has a single example.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise UserError(
            f"{name} has no test part, and class {class_names[classes[counts.argmin()]]!r} has one "
            "example only, so none can be held out for testing: give a test part or more examples"
        )
    total = max(round(HOLD_OUT_FRACTION * len(labels)), len(classes))
    test, train = _choose(labels, classes, _at_least_one(_apportion(counts, total)), _HOLD_OUT_SEED)
    return train, test


def subset(labels, size, seed):
    """Chooses `size` examples with every class's share kept, at least one of every class.

    Args:
        labels: Integer array of shape `[N]`.
        size: Number of examples to choose.
        seed: Decides which.

    Returns:
        Sorted indices of shape `[size]`.

    Raises:
        UserError: If `size` exceeds the examples or is smaller than the number of classes.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if size > len(labels):
        raise UserError(
            f"{size} training examples were asked for, but there are only {len(labels)}: "
            f"choose at most {len(labels)}"
        )
    if size < len(classes):
        raise UserError(
            f"{size} training examples cannot cover {len(classes)} classes: choose at least "
            f"{len(classes)}"
        )
    chosen, _ = _choose(labels, classes, _at_least_one(_apportion(counts, size)), seed)
    return chosen


def _apportion(counts, total):
    """Shares `total` among classes in proportion to `counts`, by the largest remainder."""
    exact = counts * (total / counts.sum())
    quotas = np.floor(exact).astype(int)
    by_remainder = np.argsort(quotas - exact, kind="stable")
    quotas[by_remainder[: total - quotas.sum()]] += 1
    return quotas


def _at_least_one(quotas):
    """Gives every class one place, taken from the classes that have most."""
    while quotas.min() == 0:
        quotas[quotas.argmax()] -= 1
        quotas[quotas.argmin()] = 1
    return quotas


def _choose(labels, classes, quotas, seed):
    """Draws `quotas[i]` examples of `classes[i]`; returns sorted indices (chosen, the rest)."""
    chosen = np.zeros(len(labels), bool)
    for position, (name, quota) in enumerate(zip(classes, quotas, strict=True)):
        members = np.flatnonzero(labels == name)
        chosen[members[permutation(len(members), seed, position)[:quota]]] = True
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)
