"""The message when the memory of a device or of the machine is not enough."""

import contextlib
import resource
import sys

import tensorflow as tf

from darts_tf.common import files
from darts_tf.common.errors import UserError


class OutOfMemoryError(UserError):
    """There was not enough memory."""


@contextlib.contextmanager
def explained(where: str, batch_size: int | None, advice: str):
    """Turns an error for want of memory into a line that says what to do.

    Where the Linux kernel runs out of memory first, it ends the process with SIGKILL and there is
    nothing to turn; the checkpoints are intact then too.

    Args:
        where: such as "epoch 1".
        batch_size: of the global batch, None if it is unknown.
        advice: what needs less memory, as the end of a sentence.

    Raises:
        OutOfMemoryError: instead of TensorFlow's error or Python's.
        UserError: it is the disk that has no room.
    """
    try:
        # The same error of TensorFlow's.
        with files.named("a file"):
            yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise OutOfMemoryError(
            f"out of memory in {where}: {_asked_for(error)}. {_estimate(batch_size)}Less memory is "
            f"needed with {advice}. The last checkpoint is intact"
        ) from error


def peak_bytes() -> int:
    """The most memory that this process has had: of its first GPU, else of the machine."""
    if gpus := tf.config.list_logical_devices("GPU"):
        return tf.config.experimental.get_memory_info(gpus[0].name)["peak"]
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _asked_for(error) -> str:
    """The line of the error that names the allocation, for example with a tensor's shape."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "llocat" in line]
    return (named or lines or ["an allocation failed"])[0].rstrip(".")


def _estimate(batch_size) -> str:
    peak = peak_bytes() / 1e9
    if batch_size is None or batch_size < 2:
        return f"The process had taken {peak:.1f} GB. "
    sizes = [size for size in (batch_size // 2, batch_size // 4) if size]
    smaller = ", ".join(f"{peak * size / batch_size:.1f} GB with {size}" for size in sizes)
    return (
        f"With batch size {batch_size} the process had taken {peak:.1f} GB and needs more; memory "
        f"grows about in proportion to the batch size, so expect at least {smaller}. "
    )
