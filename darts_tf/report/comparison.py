"""Whether a search was worth it: comparison.json, what was found beside the task's baselines."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from darts_tf.common import files, json_text
from darts_tf.common.errors import UserError

#: The file's name in the folder of a run.
FILE = "comparison.json"
KINDS = ("found", "baseline")
# Numbers of a row that have a meaning here; a row may have more.
_NUMBERS = (
    *("value", "deviation", "seeds", "parameters", "multiply_adds", "latency_ms"),
    "processor_seconds",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was found, and baselines of the same task, measured alike.

    Args:
        metric: what is compared, such as `test_accuracy`.
        larger_is_better: whether a larger value of it is the better one.
        rows: mappings with `name`; `kind`, `found` or `baseline`; `value`, the metric, or the mean
            of several seeds. They may have `deviation`, the standard deviation over `seeds` seeds;
            `parameters`; `multiply_adds` of an example; `latency_ms` of a batch of one;
            `processor_seconds` of search and training together; and others, which are shown as
            they are. What is not known is None or left out.
        budget: what each row was allowed, in words, such as `"140 processor seconds"`.
        data_sha256: of the data, as in `result.json`; None where nobody knows.

    Raises:
        UserError: a row is none, or a number is no finite one.
    """

    metric: str
    larger_is_better: bool
    rows: Sequence[Mapping[str, Any]]
    budget: str | None = None
    data_sha256: str | None = None

    def __post_init__(self):
        texts = {"metric": self.metric, "budget": self.budget, "data_sha256": self.data_sha256}
        for name, text in texts.items():
            if not isinstance(text, str) and (text is not None or name == "metric"):
                raise UserError(f"a comparison's {name} is {text!r:.60}; expected a text")
        if not isinstance(self.larger_is_better, bool):
            raise UserError(
                f"a comparison's larger_is_better is {self.larger_is_better!r:.60}; expected True "
                "or False"
            )
        if isinstance(self.rows, str | Mapping) or not isinstance(self.rows, Sequence):
            raise UserError(f"a comparison's rows are {self.rows!r:.60}; expected a list of them")
        for row in self.rows:
            _check(row)


def write(path, comparison: Comparison) -> pathlib.Path:
    """Writes a comparison; the file appears whole or not at all.

    Args:
        path: the file, or the folder of a run, in which it is `comparison.json`.
        comparison: what is written.

    Returns:
        The path of the file.

    Raises:
        UserError: the file system does not take it.
    """
    path = pathlib.Path(path)
    path = path / FILE if path.is_dir() else path
    fields = dataclasses.asdict(comparison)
    fields["rows"] = [dict(row) for row in comparison.rows]
    files.write(path, json_text.dumps(fields, indent=2) + "\n")
    return path


def of_content(content) -> Comparison | None:
    """The comparison in the content of such a file; None for a damaged one."""
    names = {field.name for field in dataclasses.fields(Comparison)}
    try:
        return Comparison(**{k: v for k, v in content.items() if k in names})
    except (AttributeError, TypeError, UserError):
        return None


def _check(row) -> None:
    if not isinstance(row, Mapping):
        raise UserError(f"a row of a comparison is {row!r:.60}; expected a mapping")
    if not isinstance(row.get("name"), str):
        raise UserError(f"a row of a comparison has the name {row.get('name')!r:.60}, not a text")
    name = row["name"]
    if row.get("kind") not in KINDS:
        raise UserError(
            f"the row {name!r} of a comparison is of the kind {row.get('kind')!r:.60}; expected "
            f"{' or '.join(KINDS)}"
        )
    for key in _NUMBERS:
        value = row.get(key)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and math.isfinite(value)):
            raise UserError(
                f"{key} of the row {name!r} of a comparison is {value!r:.60}; expected a finite "
                "number, or None where it is not known"
            )
