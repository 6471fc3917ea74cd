"""Stratified choices: every class keeps its share of the examples."""

import numpy as np

from darts_tf.common.errors import UserError

HOLD_OUT_FRACTION = 0.2
_HOLD_OUT_SEED = 0
# Fewer examples than that are no stratum of their own, but in the rest.
_SMALLEST_STRATUM = 5
_QUANTILES = 10


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


def strata(labels):
    """The groups of examples that keep their share of them in every part.

    Args:
        labels: Integers `[N]`, one class each; integers 0 and 1 `[N, K]`, of several labels each;
            or floats `[N, K]`.

    Returns:
        Integers `[N]`: the classes; the rarest label of each example, so that those with rare ones
        are in all parts; or the tenth of the first column's values that its own is in.
    """
    labels = np.asarray(labels)
    if labels.ndim == 1:
        return labels
    if labels.dtype.kind == "f":
        places = np.argsort(np.argsort(labels[:, 0], kind="stable"), kind="stable")
        return places * min(_QUANTILES, len(labels) // _SMALLEST_STRATUM or 1) // len(labels)
    rest, found = labels.shape[1], np.full(len(labels), labels.shape[1])
    # The rarest one is written last.
    for number in np.argsort(-labels.sum(axis=0), kind="stable"):
        found[labels[:, number] > 0] = number
    for number, count in zip(*np.unique(found, return_counts=True), strict=True):
        if count < _SMALLEST_STRATUM:
            found[found == number] = rest
    groups, counts = np.unique(found, return_counts=True)
    if counts[groups == rest].sum() in range(1, _SMALLEST_STRATUM) and len(groups) > 1:
        found[found == rest] = groups[np.argmax(np.where(groups == rest, 0, counts))]
    return found


def split(images, labels, fraction=0.5, seed=0):
    """Divides examples in two parts, each with the same share of every class.

    Args:
        images: Array of shape `[N, ...]`.
        labels: Integer array of shape `[N]`; or as for `strata`, which then keep their shares.
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
    groups = strata(labels)
    classes, counts = np.unique(groups, return_counts=True)
    quotas = _apportion(counts, round(fraction * len(labels)))
    if quotas.sum() in (0, len(labels)):
        raise UserError(
            f"split fraction {fraction} of {len(labels)} examples leaves one part without any: "
            "choose a fraction nearer 0.5 or give more examples"
        )
    for name, count, quota in zip(classes, counts, quotas, strict=True):
        if labels.ndim == 1 and quota in (0, count):
            raise UserError(
                f"split fraction {fraction} leaves one part without an example of class {name}, "
                f"which has {count}: choose a fraction nearer 0.5 or give more examples"
            )
    first, second = _choose(groups, classes, quotas, seed)
    # Images in a file stay there.
    take = images.select if hasattr(images, "select") else images.__getitem__
    return (take(first), labels[first]), (take(second), labels[second])


def hold_out(labels, name, class_names):
    """Sets a fixed fifth of the examples aside for testing, at least one of every class.

    Args:
        labels: Integer array of shape `[N]`, or as for `strata`.
        name: The data set's name, for the error.
        class_names: One name a class, for the error.

    Returns:
        `(train_indices, test_indices)`, both sorted. They depend on `labels` alone.

    Raises:
        UserError: If a class has a single example.
    """
    labels = np.asarray(labels)
    groups = strata(labels)
    classes, counts = np.unique(groups, return_counts=True)
    if labels.ndim > 1 and len(labels) < _SMALLEST_STRATUM:
        raise UserError(
            f"{name} has no test part and {len(labels)} images, too few to hold some out for "
            "testing: give more"
        )
    if labels.ndim == 1 and counts.min() < 2:
        raise UserError(
            f"{name} has no test part, and class {class_names[classes[counts.argmin()]]!r} has one "
            "example only, so none can be held out for testing: give a test part or more examples"
        )
    total = max(round(HOLD_OUT_FRACTION * len(labels)), len(classes))
    test, train = _choose(groups, classes, _at_least_one(_apportion(counts, total)), _HOLD_OUT_SEED)
    return train, test


def subset(labels, size, seed):
    """Chooses `size` examples with every class's share kept, at least one of every class.

    Args:
        labels: Integer array of shape `[N]`, or as for `strata`.
        size: Number of examples to choose.
        seed: Decides which.

    Returns:
        Sorted indices of shape `[size]`.

    Raises:
        UserError: If `size` exceeds the examples or is smaller than the number of classes.
    """
    groups = strata(labels)
    classes, counts = np.unique(groups, return_counts=True)
    if size > len(labels):
        raise UserError(
            f"{size} training examples were asked for, but there are only {len(labels)}: "
            f"choose at most {len(labels)}"
        )
    if size < len(classes):
        what = "classes" if np.ndim(labels) == 1 else "groups with labels that are alike"
        raise UserError(
            f"{size} training examples cannot cover {len(classes)} {what}: choose at least "
            f"{len(classes)}"
        )
    chosen, _ = _choose(groups, classes, _at_least_one(_apportion(counts, size)), seed)
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
