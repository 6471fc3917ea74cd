"""Writes the report of runs: one HTML file that needs nothing else and opens offline.

    python -m train.report RUN
    python -m train.report EVAL OTHER ANOTHER --output=comparison.html

What was found, how it went, how good it is with its confidence interval, what it cost, what it was
compared with, and how to make it again, for the folder of a search, selection, tuning, training or
comparison of forecasts, finished or not, of earlier versions too. Several runs are put side by
side: what was measured, and the settings in which they differ. The folders stay as they are, but
for report.html, where --output names no other file.
"""

import dataclasses
import pathlib
from typing import ClassVar

from darts_tf import report
from darts_tf.common.errors import UserError
from train import fields, program
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportConfig(Config):
    """Of which runs, and where to."""

    bare_words: ClassVar[str | None] = "run_dir"

    run_dir: tuple[str, ...] = fields.words(
        [], "The folders of the runs; they may also be given without a flag."
    )
    output: str | None = fields.text(
        None,
        "The file that is written; by default report.html in the folder of the run. "
        "Needed for several runs.",
    )


def main(config: ReportConfig) -> None:
    """Writes a report and says where."""
    if not config.run_dir:
        raise UserError("there is no run to report on; give folders: python -m train.report RUN")
    if config.output is None and len(config.run_dir) > 1:
        raise UserError(
            f"--output is missing: expected the file for the report of {len(config.run_dir)} runs"
        )
    path = pathlib.Path(config.output or pathlib.Path(config.run_dir[0]) / "report.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--output={path}: expected a name that ends in .html")
    print(f"wrote {report.write([report.Run(folder) for folder in config.run_dir], path)}")


if __name__ == "__main__":
    program.run(main)
