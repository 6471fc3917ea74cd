"""How `train.benchmark` starts a peer."""

import dataclasses
from collections.abc import Callable

from darts_tf.benchmark import comparison
from darts_tf.common.errors import UserError

NAMES = ("pytorch",)
LAYOUTS = ("channels_last", "contiguous_format")
#: In tables.
TITLE = "PyTorch"


def pytorch(
    settings: dict, python: str, environment: dict, layout: str = LAYOUTS[0], more=()
) -> comparison.Configuration:
    """The process that measures the PyTorch peer.

    Args:
        settings: values of the flags of `train.benchmark` that describe a configuration.
        python: the Python interpreter that has PyTorch.
        environment: of the process.
        layout: one of `LAYOUTS`.
        more: words that follow on the command line, such as `--device=cuda`.

    Raises:
        UserError: the peer does not have that method, space or stem.
    """
    if settings["network"] is None:
        _check(settings, "darts_cnn")
    if settings.get("stem", "cifar") != "cifar":
        raise UserError(f"--peer=pytorch has the stem cifar, not {settings['stem']}")
    names = ("network", "channels", "cells", "batch_size", "image_size", "threads")
    names = (*names, "steps", "warmup", *(() if settings["network"] else ("method",)))
    words = [f"--{name}={settings[name]}" for name in names if settings[name] is not None]
    words.append("--auxiliary" if settings["auxiliary"] else "--no-auxiliary")
    command = [python, "-m", "train.peers.pytorch", *words, f"--layout={layout}", *more]
    return comparison.Configuration(TITLE, command, environment)


def pytorch_recurrent(settings: dict, python: str, environment: dict) -> comparison.Configuration:
    """The process that measures the PyTorch peer of a search on text; see `pytorch`.

    Raises:
        UserError: the peer does not have that method or space.
    """
    _check(settings, "darts_rnn")
    names = {"channels": "units", "bptt": "length"}
    own = ("method", "vocabulary", "batch_size", "threads", "steps", "warmup", *names)
    words = [f"--{names.get(k, k)}={settings[k]}" for k in own if settings[k] is not None]
    command = [python, "-m", "train.peers.pytorch_recurrent", *words]
    return comparison.Configuration(TITLE, command, environment)


def _check(settings: dict, space: str) -> None:
    if settings["method"] not in ("darts-v1", "darts-v2"):
        raise UserError(
            f"--peer=pytorch has the methods darts-v1 and darts-v2, not {settings['method']}"
        )
    if settings["space"] != space:
        raise UserError(f"--peer=pytorch has the space {space}, not {settings['space']}")


def in_faster_layout(
    make: Callable[[str], comparison.Configuration], report: Callable[[str], None]
) -> comparison.Configuration:
    """The peer in the memory layout in which its step takes less time, found by a run in each.

    Args:
        make: from a layout to the configuration.
        report: is told of both runs, in a line each.
    """
    seconds = {}
    for layout in LAYOUTS:
        trial = make(layout)
        trial = dataclasses.replace(trial, command=[*trial.command, "--steps=2", "--warmup=1"])
        measurement = comparison.run(trial)
        seconds[layout] = measurement.median_step_seconds
        report(f"trial of {TITLE}, {layout}: {comparison.describe(measurement)}")
    return make(min(seconds, key=seconds.get))
