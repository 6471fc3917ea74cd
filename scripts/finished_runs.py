"""Runs of the programs of `train`, each in a process of its own, finished once and kept."""

import json
import pathlib
import resource
import subprocess
import sys

from darts_tf.common import files
from darts_tf.common.errors import UserError

_TIMES = "processor_seconds.json"


def finish(program: str, folder, *flags: str) -> dict:
    """Runs a program unless its run is finished; one that was stopped goes on.

    Args:
        program: of `train`, such as "search".
        folder: of the run.
        *flags: of the program but for --output_dir. Those of a flag file give way to all others.

    Returns:
        Its result, and `processor_seconds` of all its processes so far, which other work on the
        machine changes little.

    Raises:
        UserError: it has failed.
    """
    folder = pathlib.Path(folder)
    result, times = folder / "result.json", folder / _TIMES
    if not result.exists():
        before = _seconds_of_children()
        print(folder, flush=True)
        # The last of several values is taken.
        flags = sorted(flags, key=lambda flag: not flag.startswith("--flagfile"))
        command = [sys.executable, "-m", f"train.{program}", *flags, f"--output_dir={folder}"]
        done = subprocess.run(command, check=False)
        if folder.exists():
            earlier = json.loads(times.read_text()) if times.exists() else []
            seconds = round(_seconds_of_children() - before, 1)
            files.write(times, json.dumps([*earlier, seconds]))
        if done.returncode:
            raise UserError(
                f"train.{program} for {folder} ended with exit code {done.returncode}; started "
                "again, this goes on"
            )
    seconds = round(sum(json.loads(times.read_text())), 1)
    return {**json.loads(result.read_text()), "processor_seconds": seconds}


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
