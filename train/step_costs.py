"""What a step of a search will need, told before the first one where images are large."""

import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import tensorflow as tf
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.common.progress import duration
from darts_tf.costs import memory
from darts_tf.search.architecture_search import ArchitectureSearch

# Pixels of the shorter side from which on it is worth the time that it takes.
_LARGE = 64
# Forward passes that a step takes as long as: a gradient is two more. Of the weights and of the
# architecture; the finite difference has three more gradients.
_PASSES = {"first_order": 6, "finite_difference": 15}
_IMAGES = 2


def tell(search: ArchitectureSearch, batch_size: int, accumulate_steps: int = 1) -> str | None:
    """Prints about how much memory and time a step will take; warns if there is less memory.

    The time is that of one pass without a gradient, which is measured, times the passes of a step.
    On a machine with other work, and where operations are small, it is less than half right.

    Args:
        search: not begun.
        batch_size: of its batches.
        accumulate_steps: parts in which a batch is computed.

    Returns:
        The line; None where images are smaller than 64 pixels, there are several replicas, or
        nobody has measured such searches.
    """
    supernet, gradient = search.supernet, search.method.make_gradient()
    shape = supernet.signature.shape
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if shape.rank != 4 or min(shape[1:3]) < _LARGE or replicas > 1:
        return None
    try:
        expected = memory.estimate(
            supernet, gradient, levels=search.method.make_levels(), task=search.task
        )
        peak = expected.peak(batch_size, accumulate_steps)
    except UserError:
        return None
    passes = _PASSES.get(search.method.gradient)
    took = ""
    if passes and not search.method.levels:
        seconds = _forward_seconds(supernet) * passes * batch_size
        took = f" and {duration(seconds) if seconds >= 10 else f'{seconds:.1f} s'}"
    line = f"a step will take about {peak / 1e9:.1f} GB of memory{took}"
    print(line, flush=True)
    try:
        free = memory.free_memory()
    except UserError:
        return line
    if peak > free:
        logging.warning(
            "%.1f GB are free: --batch_size=auto chooses batches that fit, --accumulate_steps and "
            "--recompute need less memory, and so do fewer channels and --stem=imagenet",
            free / 1e9,
        )
    return line


def _forward_seconds(supernet) -> float:
    """Seconds of a pass, for each image."""
    images = tf.zeros([_IMAGES, *supernet.signature.shape[1:]])
    # The first call chooses algorithms and takes memory.
    supernet(images, training=False)
    started = time.perf_counter()
    tf.reduce_sum(supernet(images, training=False)).numpy()
    return (time.perf_counter() - started) / _IMAGES
