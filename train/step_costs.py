"""What a step of a search will need, told before the first one where images are large."""

import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import tensorflow as tf
from absl import logging

from darts_tf.benchmark.measurement import available_cpus
from darts_tf.common.constant_weights import constant_weights
from darts_tf.common.errors import UserError
from darts_tf.common.progress import duration
from darts_tf.costs import memory
from darts_tf.search.architecture_search import ArchitectureSearch

# Pixels of the shorter side from which on it is worth the time that it takes.
_LARGE = 64
# Forward passes that a step takes as long as: a gradient is two more. Of the weights and of the
# architecture; the finite difference has three more gradients. Measured: docs/data.md.
_PASSES = {"first_order": 6, "finite_difference": 15}
# Images of a pass at most, which has no gradient and so keeps little.
_MOST_IMAGES = 256


def tell(search: ArchitectureSearch, batch_size: int, accumulate_steps: int = 1) -> str | None:
    """Prints about how much memory and time a step will take; warns if there is less memory.

    Args:
        search: not begun.
        batch_size: of its batches.
        accumulate_steps: parts in which a batch is computed.

    Returns:
        The line; None where nothing is expected, see `expected`.
    """
    found = expected(search, batch_size, accumulate_steps)
    if found is None:
        return None
    peak, seconds = found
    took = ""
    if seconds:
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


def expected(
    search: ArchitectureSearch, batch_size: int, accumulate_steps: int = 1
) -> tuple[int, float] | None:
    """About the bytes and the seconds of a step.

    The time is that of passes without a gradient, which are measured, times the passes of a step.

    Args:
        search, batch_size, accumulate_steps: as for `tell`.

    Returns:
        The peak memory of the process and the time on a machine without other work, 0 where nobody
        knows; None where images are smaller than 64 pixels, there are several replicas, or nobody
        has measured such searches.
    """
    supernet, gradient = search.supernet, search.method.make_gradient()
    shape = supernet.signature.shape
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if shape.rank != 4 or min(shape[1:3]) < _LARGE or replicas > 1:
        return None
    try:
        estimate = memory.estimate(
            supernet, gradient, levels=search.method.make_levels(), task=search.task
        )
        peak = estimate.peak(batch_size, accumulate_steps)
    except UserError:
        return None
    passes = _PASSES.get(search.method.gradient)
    if passes is None or search.method.levels:
        return peak, 0.0
    return peak, _forward_seconds(supernet) * passes * batch_size


def _forward_seconds(supernet) -> float:
    """Seconds of a pass for each image, by what more images take; 0 on other devices than CPUs.

    In training mode, with constant weights and statistics, without a gradient.
    """
    if tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"):
        return 0.0
    first, few, many = _pass_seconds(supernet, 1), 0.0, 1
    # Until the images take longer than all that does not depend on them.
    while few < 2 * first and many < _MOST_IMAGES:
        many *= 4
        few = _pass_seconds(supernet, many)
    # Of processors, so that other work on them does not count.
    return max(0.0, (few - first) / (many - 1)) / available_cpus()


def _pass_seconds(supernet, count: int) -> float:
    images, each = tf.zeros([count, *supernet.signature.shape[1:]]), []
    # The first call chooses algorithms and takes memory.
    for _ in range(3):
        started = time.process_time()
        with constant_weights(True):
            tf.reduce_sum(supernet(images, training=True)).numpy()
        each.append(time.process_time() - started)
    return min(each)
