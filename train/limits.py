"""The greatest numbers that the programs take."""

from absl import flags

from darts_tf.common.errors import UserError

#: What no machine of today can compute; a larger number is a slip, found before it fills a memory.
GREATEST = {
    "accumulate_steps": 100_000,
    "batch_size": 10_000_000,
    "cells": 1_000,
    "channels": 10_000,
    "cpu_devices": 1_000,
    "image_size": 10_000,
    "latency_batch": 10_000_000,
    "max_body_mb": 100_000,
    "search_cells": 1_000,
    "search_channels": 10_000,
    "stage_cells": 1_000,
    "threads": 10_000,
}
_OF_ANY_OTHER = 2**31 - 1


def check(name: str, number: int) -> None:
    """Refuses a whole number that is too large for a flag.

    Raises:
        UserError: names the flag.
    """
    greatest = GREATEST.get(name, _OF_ANY_OTHER)
    if number > greatest:
        raise UserError(f"--{name}={number}: expected a whole number up to {greatest}")


def check_flags() -> None:
    """Refuses whole numbers that are too large for the flags of this package's programs.

    Raises:
        UserError: names the flag.
    """
    for module, found in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith("absl"):
            continue
        for flag in found:
            if isinstance(flag.value, int) and not isinstance(flag.value, bool):
                check(flag.name, flag.value)
