"""Parts of the scripts that compare cells: programs that are run once, means over seeds."""

import json
import pathlib
import statistics
import subprocess
import sys

from darts_tf.common.errors import UserError


def run(name: str, folder: pathlib.Path, words: list[str]) -> None:
    """Runs a program of `train` in a process of its own, unless it has finished there before.

    Args:
        name: of the program, such as "search"; one that has been stopped goes on.
        folder: what --output_dir is.
        words: its other flags.

    Raises:
        UserError: it ended with an error.
    """
    if (folder / "result.json").exists():
        return
    print(folder, flush=True)
    command = [sys.executable, "-m", f"train.{name}", *words, f"--output_dir={folder}"]
    if code := subprocess.run(command, check=False).returncode:
        raise UserError(f"train.{name} for {folder} ended with exit code {code}")


def result(folder: pathlib.Path) -> dict:
    """The result.json of a run."""
    return json.loads((folder / "result.json").read_text())


def with_deviation(values, form: str = ".3f") -> str:
    """The mean, and behind it the standard deviation of several; nothing for none.

    Args:
        values: numbers, one a seed.
        form: how both are written, such as `.3f`.
    """
    if not values:
        return ""
    deviation = f" ± {statistics.stdev(values):{form}}" if len(values) > 1 else ""
    return f"{statistics.mean(values):{form}}{deviation}"


def as_markdown(titles: list[str], rows: list[list[str]]) -> str:
    """Lines of texts as a table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
