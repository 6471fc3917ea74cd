"""A program that Python starts as for a user, for scripts/stop_everywhere.py."""

import contextlib
import pathlib
import re
import signal
import subprocess
import sys
import time

from tests import forks


class Anew:
    """A program that Python has started as for a user; like a `multiprocessing.Process`."""

    def __init__(self, words, log, errors):
        with log.open("w") as out, errors.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                stdout=out,
                stderr=err,
                cwd=forks.REPOSITORY,
                # Where this runs in the background, SIGINT is ignored from the start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            )
        self.pid, self.kill = self._process.pid, self._process.kill

    @property
    def exitcode(self):
        return self._process.poll()

    def join(self, seconds=None):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


def wait_for_handlers(process) -> bool:
    """Whether the interpreter came to the first line of the programs before it ended."""
    while process.exitcode is None:
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            caught = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)
            if caught >> (signal.SIGTERM - 1) & 1:
                return True
        time.sleep(0.02)
    return False
