"""Processes that tests start: forked from one that has imported TensorFlow, which takes seconds."""

import multiprocessing
import os
import pathlib
import sys
import traceback

REPOSITORY = pathlib.Path(__file__).parents[1]

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.preloaded"])


def start(function, *args, log: pathlib.Path, errors: pathlib.Path | None = None, environment=None):
    """Runs `function(*args)` in a process of its own, in the repository's folder.

    Args:
        function: of a module that can be imported.
        log: the file that its standard output goes to.
        errors: the file that its standard error goes to; None for the same.
        environment: variables that it has besides those of this process.

    Returns:
        The `multiprocessing.Process`. Its `exitcode` is what `sys.exit` was given, 1 after an
        exception.
    """
    log.touch()
    args = (function, args, str(log), str(errors or log), environment or {})
    process = context.Process(target=_run, args=args)
    process.start()
    return process


def _run(function, args, log, errors, environment) -> None:
    os.environ.update(environment)
    os.chdir(REPOSITORY)
    for path, descriptor in ((log, 1), (errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, descriptor)
        os.close(file)
    code = 0
    try:
        function(*args)
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # As TensorFlow's threads may not end.
    os._exit(code)
