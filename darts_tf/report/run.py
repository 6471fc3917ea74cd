"""The content of a run's folder, as far as it is there."""

import functools
import json
import math
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.report import comparison, predictions
from darts_tf.spaces import node_names

#: File -> what it shows, in the order of the report. All are written by this package's programs.
PICTURES = {
    "history.png": "Loss and metrics by epoch",
    "operation_weights.png": "Operation weights of every edge, by epoch",
    "entropy.png": "Entropy of the operation weights",
    "collapse.png": "Signs of a collapse",
    "selections.png": "Cells by several selections",
    "selections/selections.png": "Cells by several selections",
}
#: Likewise, of what a trained network does.
ANSWERS = {"forecasts.png": "Forecasts and what came"}
_PROGRAMS = {
    "search": "Search",
    "auto": "Search",
    "evaluate": "Training from scratch",
    "tune": "Tuning",
    "select": "Selection",
}
_LARGEST = 30 * 2**20
# How such a file begins; its width follows 16 bytes after the beginning (PNG, section 11.2.2).
_PNG = b"\x89PNG\r\n\x1a\n"


class Picture(NamedTuple):
    """A picture: what it shows, its file's name, and the content."""

    title: str
    name: str
    content: bytes

    @property
    def width(self) -> int | None:
        """In pixels of a page, whose text has 16 of them; None for another kind than PNG."""
        if not self.content.startswith(_PNG):
            return None
        # Of a figure of 150 pixels an inch.
        return int.from_bytes(self.content[16:20], "big") * 2 // 3


class Run:
    """A run's folder, finished, unfinished or of an earlier version.

    What is missing or damaged is left out; nothing is ever written.

    Args:
        path: the folder that a search, a selection, a tuning or a training wrote.

    Attributes:
        path: the folder.
        settings: `config.json`, what decides the result.
        data: `data.json`, a description of the data.
        result: `result.json`; empty for a run that is not finished.
        records: the lines of `metrics.jsonl`, one an epoch.
        versions: `versions.json`, what it ran on.
        flags: the lines of `flags.txt`.
        genotype: `genotype.json`, the cell that was found or trained; empty where there is none.
        baselines: rows of `baselines.json`, or of the trials of a tuner or the selections; empty
            where there are none.
        comparison: `comparison.json`, or None.

    Raises:
        UserError: there is no such folder, or it holds no run.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        if not self.path.is_dir():
            raise UserError(f"{str(path)!r} is no folder; give one that a program has written")
        self.settings = self._json("config.json", dict)
        self.data = self._json("data.json", dict)
        self.result = self._json("result.json", dict)
        self.versions = self._json("versions.json", dict)
        self.genotype = self._json("genotype.json", dict)
        self.baselines = self._rows()
        self.comparison = comparison.of_content(self._json(comparison.FILE, dict))
        known = self.settings or self.result or self.baselines or self.comparison
        if not (known or self.records):
            raise UserError(
                f"{str(path)!r} holds no run: expected config.json, result.json, metrics.jsonl, "
                f"baselines.json or {comparison.FILE}, as the programs write them to --output_dir"
            )
        self.flags = [line for line in self._text("flags.txt").splitlines() if line]

    @functools.cached_property
    def records(self) -> list[dict]:
        """The lines of `metrics.jsonl`, one an epoch."""
        return self._lines("metrics.jsonl")

    @functools.cached_property
    def candidates(self) -> list[dict]:
        """The lines of `candidates.jsonl`, one an evaluation, of searches without a supernet."""
        return self._lines("candidates.jsonl")

    @functools.cached_property
    def sample(self) -> str | None:
        """The text that a language model wrote, or None."""
        return self._text("sample.txt") or None

    @functools.cached_property
    def predictions(self) -> predictions.Predictions | None:
        """The predictions for the test images; None before the end of a run."""
        # Those that are there until then are of a run that has been made longer.
        content = self._json(predictions.FILE, dict) if self.finished else None
        return predictions.of_content(content, self._bytes)

    @functools.cached_property
    def cells(self) -> list[Picture]:
        """Pictures of the cells."""
        return [
            Picture(node_names.cell_name(name.stem.removeprefix("cell_")), name.name, content)
            for name in sorted(self.path.glob("cell_*.svg"))
            if (content := self._bytes(name.name))
        ]

    def pictures(self, names: Mapping[str, str]) -> list[Picture]:
        """Those of some pictures that are there.

        Args:
            names: file -> what it shows.
        """
        return [
            Picture(title, name, content)
            for name, title in names.items()
            if (content := self._bytes(name))
        ]

    @property
    def finished(self) -> bool:
        """Whether the run has its result."""
        return bool(self.result)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come; tables of baselines come at once."""
        return bool(self.result or self.baselines or (self.comparison and not self.settings))

    @property
    def title(self) -> str:
        """The run in words."""
        default = "Run" if self.settings or self.result else "Baselines"
        kind = _PROGRAMS.get(self.settings.get("program"), default)
        name = self.data.get("name") or self.settings.get("dataset")
        method = self.result.get("method") or self.settings.get("method")
        genotype = self.settings.get("genotype")
        words = [kind, f"on {name}" if name else "", f"by {method}" if method else ""]
        if isinstance(genotype, str) and not method:
            words.append(f"of {genotype}")
        return " ".join(word for word in words if word)

    def _rows(self) -> list[dict]:
        baselines = self._json("baselines.json", dict).get("forecasts")
        for rows in (
            baselines,
            self._json("trials.json", list),
            self._json("selections/selections.json", list),
        ):
            if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
                return rows
        return []

    def _lines(self, name) -> list[dict]:
        found = []
        for line in self._text(name).splitlines():
            try:
                record = reading.parse_json(line)
            except ValueError:  # the line that was being written
                continue
            if isinstance(record, dict):
                found.append(record)
        return found

    def _json(self, name, kind):
        """The content of a JSON file; an empty one of that kind where there is none."""
        try:
            content = reading.parse_json(self._text(name))
        except ValueError:
            return kind()
        return content if isinstance(content, kind) else kind()

    def _text(self, name) -> str:
        content = self._bytes(name) or b""
        return content.decode("utf-8", errors="replace")

    def _bytes(self, name) -> bytes | None:
        path = self.path / name
        try:
            reading.check_regular(path)
            if path.stat().st_size > _LARGEST:
                return None
            return path.read_bytes()
        except OSError:
            return None


def as_text(value) -> str:
    """A value of a JSON file as a reader of the report sees it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return f"{value:,.4f}" if 0.001 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
    if isinstance(value, str):
        return value
    return json.dumps(value)


def words(name: str) -> str:
    """A name of a JSON file as a reader of the report sees it."""
    return name.replace("_", " ")
