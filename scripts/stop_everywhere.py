"""Stops every program that trains, by every signal and by a full disk, in every phase, many times.

    python -m scripts.stop_everywhere --times=10
    python -m scripts.stop_everywhere --only=evaluate,tune --times=2

A program must leave with the promised code within 5 seconds, say so in a line without a stack
trace, and leave whole files. The last one that was stopped in a phase is started again and must go
on to its end. Prints a line for each phase; the exit code is 1 when a stop was wrong. On two quiet
cores it takes about an hour with --times=10; where the machine has other work, --seconds has to be
larger, because all that a program does takes longer there.
"""

import contextlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from typing import NamedTuple

from absl import flags

from scripts.started_program import Anew, wait_for_handlers
from tests import forks
from train import program

_TIMES = flags.DEFINE_integer("times", 10, "How often to stop in each phase.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "How long a program may take to leave.")
_ONLY = flags.DEFINE_list("only", None, "Names of cases; all by default.")
_SIGNALS = flags.DEFINE_bool("signals", True, "Stop by signals.")
_ERRORS = flags.DEFINE_bool("errors", True, "Stop by a full disk.")

_CELL = (
    "|nor_conv_1x1~0|+|skip_connect~0|nor_conv_1x1~1|+"
    "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
)
_SMALL = ["--dataset=digits", "--train_examples=200", "--channels=2", "--cells=3"]
_SEARCH = ["--space=nas_bench_201", *_SMALL, "--batch_size=16"]


class _Case(NamedTuple):
    """A program to stop.

    Attributes:
        program: the module.
        arguments: without the folder.
        phases: what the program has printed when a phase begins; "" is its start.
        folder: the flag of the folder.
    """

    program: str
    arguments: list[str]
    phases: tuple[str, ...]
    folder: str = "output_dir"


_EPOCHS = ("", "building the graph", "epoch 1/4", "epoch 3/4", "epoch 4/4")
_CASES = {
    "evaluate": _Case(
        "train.evaluate",
        [*_SMALL, f"--genotype={_CELL}", "--epochs=4", "--batch_size=16"],
        _EPOCHS,
    ),
    "search": _Case("train.search", [*_SEARCH, "--method=darts-v1", "--epochs=4"], _EPOCHS),
    "baseline": _Case(
        "train.search",
        [*_SEARCH, "--method=random", "--candidates=3", "--candidate_epochs=2"],
        ("", "data: ", "candidate 1/3", "candidate 3/3"),
    ),
    "tune": _Case(
        "train.tune",
        [
            *("--space=nas_bench_201", *_SMALL, "--tuner=random", "--trials=2", "--epochs=3"),
            "--batch_size=16",
        ],
        ("", "data: ", "Epoch 2/3", "Trial 1 Complete"),
    ),
    "tune searches": _Case(
        "train.tune",
        [
            *("--space=nas_bench_201", *_SMALL, "--trials=2", "--epochs=2", "--batch_size=16"),
            *("--search_epochs=2", "--search_channels=2", "--search_cells=3"),
            "--method=darts-v1,gdas",
        ],
        ("", "data: ", "Trial 1 Complete"),
    ),
    "select": _Case(
        "train.select",
        ["--selection=magnitude,perturbation", "--fine_tune_epochs=1"],
        ("", "supernet after", "perturbation"),
        "run_dir",
    ),
}


def main() -> None:
    """Stops and prints."""
    wrong, rng = 0, random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        searched = folder / "searched"
        for name in _ONLY.value or _CASES:
            case = _CASES[name]
            if case.folder == "run_dir" and not searched.exists():
                _must_end(_CASES["search"], searched)
            for phase in case.phases if _SIGNALS.value else ():
                for number in (signal.SIGINT, signal.SIGTERM):
                    wrong += _stop_often(name, case, phase, number, folder, searched, rng)
            if _ERRORS.value:
                wrong += _fill_disks(name, case, folder, searched)
    print(f"{wrong} stops were wrong")
    sys.exit(bool(wrong))


def _stop_often(name, case, phase, number, folder, searched, rng) -> int:
    """Stops in a phase; returns how often that was wrong."""
    seconds, wrong = [], []
    for i in range(_TIMES.value):
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        if case.folder == "run_dir":
            shutil.copytree(searched, run)
        start = _start if phase else _start_anew
        process, log, errors = start(case, run, folder / f"log_{i}")
        if not (_wait_for(phase, process, log) if phase else wait_for_handlers(process)):
            wrong.append(f"ended by itself with {process.exitcode}: {_end_of(errors)}")
            continue
        # An import of TensorFlow takes seconds.
        time.sleep(rng.random() * (1 if phase else 4))
        ended = process.exitcode is not None
        started = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        process.join(60)
        seconds.append(time.monotonic() - started)
        if ended:
            continue
        wrong += _wrong(process, 128 + number, seconds[-1], errors, run)
        if process.exitcode is None:
            process.kill()
            process.join()
    if not wrong:
        wrong += _goes_on(case, run)
    _report(f"{name}, {signal.Signals(number).name} after {phase or 'the start'!r}", seconds, wrong)
    return len(wrong)


def _fill_disks(name, case, folder, searched) -> int:
    """Lets the n-th file not be written, until a program writes no more than n - 1."""
    wrongs = 0
    for kind in ("file", "checkpoint"):
        for n in itertools.count():
            run = folder / "run"
            shutil.rmtree(run, ignore_errors=True)
            if case.folder == "run_dir":
                shutil.copytree(searched, run)
            process, _, errors = _start(case, run, folder / "log", (kind, n))
            process.join(300)
            ended = time.monotonic()
            full = re.search(r"^full at ([\d.]+) (.*)$", errors.read_text(), re.MULTILINE)
            if full is None:
                break
            seconds = ended - float(full[1])
            wrong = _wrong(process, 2, seconds, errors, run)
            process.kill()
            _report(f"{name}, no room for {kind} {n} ({full[2]})", [seconds], wrong)
            wrongs += len(wrong)
    return wrongs


def _start(case, run, log, full=None):
    log, errors = log.with_suffix(".out"), log.with_suffix(".err")
    for path in (log, errors):
        path.write_text("")
    arguments = [*case.arguments, f"--{case.folder}={run}"]
    process = forks.start(_run, case.program, arguments, full, log=log, errors=errors)
    return process, log, errors


def _start_anew(case, run, log):
    log, errors = log.with_suffix(".out"), log.with_suffix(".err")
    words = [case.program, *case.arguments, f"--{case.folder}={run}"]
    return Anew(words, log, errors), log, errors


def _run(name, arguments, full) -> None:
    """The program, in a process of its own."""
    import importlib

    from train import stops

    # Where this runs in the background, SIGINT is ignored from the start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stops.install()
    if full is not None:
        _fill(*full)
    sys.argv = [name, *arguments]
    module = importlib.import_module(name)
    module.program.run(module.main)


def _fill(kind: str, n: int) -> None:
    """Makes the disk full when file or checkpoint number n is written."""
    import train.startup  # noqa: F401  TensorFlow is first imported here

    import tensorflow as tf

    from darts_tf.common import files

    left = [n]

    def limited(function, error):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                what = pathlib.Path(args[-1]).name if kind == "file" else "of TensorFlow"
                print(f"full at {time.monotonic()} {what}", file=sys.stderr, flush=True)
                raise error
            return function(*args, **kwargs)

        return call

    if kind == "file":
        files.os = type("os", (), {**vars(os), "replace": None})
        files.os.replace = staticmethod(limited(os.replace, OSError(28, os.strerror(28))))
    else:
        error = tf.errors.ResourceExhaustedError(None, None, f"ckpt; {os.strerror(28)}")
        manager = tf.train.CheckpointManager
        manager.save = limited(manager.save, error)


def _wait_for(phase, process, log) -> bool:
    """Whether the program came to a phase before it ended."""
    while phase not in log.read_text():
        if process.exitcode is not None:
            return False
        time.sleep(0.02)
    return True


def _wrong(process, code, seconds, errors, run) -> list[str]:
    """The problems with an end; empty if there are none."""
    text, found = errors.read_text(), []
    if process.exitcode != code:
        found.append(f"exit code {process.exitcode}, expected {code}: {_end_of(errors)}")
    if seconds > _SECONDS.value:
        found.append(f"{seconds:.1f} s")
    if "Traceback" in text:
        found.append(f"a stack trace: {_end_of(errors)}")
    if not re.search(r"^(stopped by|stopping after|error: )", text, re.MULTILINE):
        found.append(f"not a line of explanation: {_end_of(errors)}")
    for path in run.rglob("*"):
        if ".part-" in path.name:
            found.append(f"{path.name} is left")
        if path.suffix in (".json", ".jsonl") and path.is_file():
            lines = [path.read_text()] if path.suffix == ".json" else path.read_text().splitlines()
            try:
                [json.loads(line) for line in lines]
            except ValueError:
                found.append(f"{path.name} is damaged")
    return found


def _goes_on(case, run) -> list[str]:
    """The problems with a run that goes on after a stop."""
    process, _, errors = _start(case, run, run.parent / "again")
    process.join(300)
    if process.exitcode == 0:
        return []
    process.kill()
    return [f"does not go on: {process.exitcode}, {_end_of(errors)}"]


def _must_end(case, run) -> None:
    if wrong := _goes_on(case, run):
        sys.exit(wrong[0])


def _end_of(errors) -> str:
    return " / ".join(errors.read_text().strip().splitlines()[-3:])[-300:]


def _report(name, seconds, wrong) -> None:
    times = f"{len(seconds)} stops, at most {max(seconds):.1f} s" if seconds else "no stop"
    print(f"{name}: {times}" + "".join(f"\n    WRONG: {text}" for text in wrong), flush=True)


if __name__ == "__main__":
    program.run(main)
