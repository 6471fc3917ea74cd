"""Starts the command-line programs, as a user does or many times."""

import pathlib
import runpy
import subprocess
import sys
import tempfile
from typing import NamedTuple

import tensorflow as tf

from tests import forks


class Done(NamedTuple):
    """The exit code and output of a program that has ended."""

    returncode: int
    stdout: str
    stderr: str


def start(program: str, *arguments) -> Done:
    """Runs `python -m program arguments`, as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        capture_output=True,
        text=True,
        cwd=forks.REPOSITORY,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start_all(program: str, cases: dict[str, list[str]], eagerly: bool = False) -> dict[str, Done]:
    """Runs a program once for every case, name -> arguments, in processes that are forked.

    Each has the arguments, the output and the exit code of one that was started from scratch, but
    does not import TensorFlow again.

    Args:
        program: its module.
        cases: name -> arguments.
        eagerly: without tracing, which takes longer than a few steps.
    """
    return {name: _fork(program, arguments, eagerly) for name, arguments in cases.items()}


def _fork(program, arguments, eagerly) -> Done:
    with tempfile.TemporaryDirectory() as folder:
        stdout, stderr = (pathlib.Path(folder) / name for name in ("stdout", "stderr"))
        process = forks.start(_run, program, arguments, eagerly, log=stdout, errors=stderr)
        process.join()
        return Done(process.exitcode, stdout.read_text(), stderr.read_text())


def _run(program, arguments, eagerly) -> None:
    tf.config.run_functions_eagerly(eagerly)
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__")


def assert_refused(done: Done, *reasons: str) -> None:
    """The program ended with exit code 2 and one line that holds all the reasons."""
    assert done.returncode == 2, done
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    for reason in reasons:
        assert reason in errors[0]
    assert "Traceback" not in done.stderr
