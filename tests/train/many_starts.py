"""Starts a program many times and pays for the import of TensorFlow once.

Programs define flags of the same names, so a process can hold one program only. Here one process
imports it and forks for every start; each child has the arguments, the output and the exit code of
a process of its own. (`start` is the real thing.)
"""

import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

REPOSITORY = pathlib.Path(__file__).parents[2]


class Done(NamedTuple):
    """What a program that has ended leaves behind."""

    returncode: int
    stdout: str
    stderr: str


def start(program: str, *arguments) -> Done:
    """Runs `python -m program arguments`, as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def start_all(program: str, cases: dict[str, list[str]]) -> dict[str, Done]:
    """Runs a program once for every case, name -> arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.many_starts", program],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name: Done(*fields) for name, fields in json.loads(done.stdout).items()}


def assert_refused(done: Done, *reasons: str) -> None:
    """The program ended with exit code 2 and one line that holds all the reasons."""
    assert done.returncode == 2, done
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    for reason in reasons:
        assert reason in errors[0]
    assert "Traceback" not in done.stderr


def _main(program: str) -> None:
    module = importlib.import_module(program)
    # Imported by the program only when it needs them.
    for name in ("keras", "darts_tf.plots", "darts_tf.search", "darts_tf.training"):
        importlib.import_module(name)
    # These graphs are run a few times only; to optimise them takes longer.
    importlib.import_module("tensorflow").config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    results = {}
    for name, arguments in json.load(sys.stdin).items():
        with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
            child = os.fork()
            if child == 0:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                _run(module, [program, *arguments])
            _, status = os.waitpid(child, 0)
            outputs = []
            for file in (stdout, stderr):
                file.seek(0)
                outputs.append(file.read())
            results[name] = (os.waitstatus_to_exitcode(status), *outputs)
    json.dump(results, sys.stdout)


def _run(module, argv) -> None:
    """Never returns: the child ends with the program's exit code."""
    sys.argv = argv
    try:
        module.program.run(module.main)
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _main(sys.argv[1])
