"""Parts of the scripts that compare cells: flags, results, means over seeds, tables."""

import csv
import io
import json
import pathlib
import statistics

from darts_tf.common.errors import UserError


def need(config, *names: str) -> None:
    """Refuses a configuration without these flags.

    Raises:
        UserError: one is not given.
    """
    for name in names:
        if not getattr(config, name):
            raise UserError(f"--{name} is missing; see --help")


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


def as_csv(rows: list[dict]) -> str:
    """A line a row, behind one of the names that the first has."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
