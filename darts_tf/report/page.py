"""The page of a report, from a template."""

import base64
import mimetypes
import pathlib
import shlex
import tempfile
from collections.abc import Sequence

import jinja2

from darts_tf import plots
from darts_tf.common import files
from darts_tf.common.errors import UserError
from darts_tf.report import quality, worth
from darts_tf.report.comparison import Comparison
from darts_tf.report.run import ANSWERS, PICTURES, Picture, Run, as_text, words

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
# What identifies data or says little is left to the end, with how to make the run again.
_ORIGIN = ("data_sha256", "compared_with", "extended", "versions")
_COST = (
    *("parameters", "multiply_adds", "epochs", "epoch_seconds", "train_seconds"),
    *("wall_seconds", "processor_seconds", "wall_seconds_of_last_start", "units"),
    "peak_memory_gb_of_last_start",
)
# Settings of a search that its report has in the title.
_SAID = ("program", "method", "dataset")
# Tables of a result with a line for each name: their heading, and what the names are of.
_BY_NAME = {"test_labels": ("By label", "label"), "test_numbers": ("By column", "column")}


def write(runs: Sequence[Run], path) -> pathlib.Path:
    """Writes a report; it appears whole or not at all.

    Args:
        runs: one or several runs; several are put side by side.
        path: the file, `.html`.

    Returns:
        The path.

    Raises:
        UserError: there is no run, or the file system does not take the file.
    """
    path = pathlib.Path(path)
    files.write(path, render(runs))
    return path


def render(runs: Sequence[Run]) -> str:
    """A report as HTML that refers to no other file.

    Finished trainings in the folders beside the runs are compared with them, see
    `darts_tf.report.worth`.

    A run that is not finished makes the page load itself anew every 20 seconds.

    Raises:
        UserError: there is no run.
    """
    if not runs:
        raise UserError("a report needs at least one run; give a folder")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "value": as_text,
        "words": words,
        "address": _address,
        "png": lambda content: _address(Picture("", "picture.png", content)),
        "columns": _columns,
    }
    return environment.get_template("report.html").render(
        title=runs[0].title if len(runs) == 1 else f"{len(runs)} runs side by side",
        runs=[_view(run) for run in runs],
        comparison=_comparison(runs) if len(runs) > 1 else None,
        worth=[_worth(one) for one in worth.comparisons(runs, worth.beside(runs))],
        unfinished=not all(run.ended for run in runs),
    )


def _view(run: Run) -> dict:
    """The values that the template shows of a run."""
    result, known = dict(run.result), run.result.get("benchmark")
    known = known.get("columns") if isinstance(known, dict) else None
    known = known if isinstance(known, dict) else {}
    if known:
        result["benchmark"] = {k: v for k, v in result["benchmark"].items() if k != "columns"}
    flat = _flat(result)
    cost = {key: flat.pop(key) for key in list(flat) if key.split(": ")[-1] in _COST}
    cost = {
        key: f"{value:,.1f}" if "seconds" in key and isinstance(value, float) else value
        for key, value in cost.items()
    }
    origin = {key: flat.pop(key) for key in list(flat) if key.split(": ")[0] in _ORIGIN}
    recall = run.result.get("test_recall")
    flat = {
        key: value for key, value in flat.items() if not key.startswith(("test_recall", *_BY_NAME))
    }
    for key in ("test_examples", *_SAID):
        flat.pop(key, None)
    pictures, predictions = run.pictures(PICTURES), quality.view(run.predictions)
    if not any(picture.name == "history.png" for picture in pictures):
        pictures = [*_curves(run), *pictures]
    pictures = [*_candidates(run), *pictures]
    return {
        "run": run,
        "headline": quality.headline(run),
        "good": flat,
        "predictions": predictions,
        # Those of other tasks have no accuracy.
        "no_predictions": run.finished and "test_accuracy" in run.result and not predictions,
        "by_name": _by_name(run),
        "recall": recall if isinstance(recall, dict) and not predictions else {},
        "answers": run.pictures(ANSWERS),
        "cost": cost,
        "origin": {**origin, **run.versions},
        "pictures": pictures,
        "growth": _growth(run),
        "last": {} if run.finished else _flat(run.records[-1]) if run.records else {},
        "rows": [] if run.comparison else [_flat(row) for row in run.baselines],
        "known": [{"": words(name), **row} for name, row in known.items() if isinstance(row, dict)],
        "command": _command(run),
    }


def _by_name(run: Run) -> list[tuple[str, list[dict]]]:
    """Headings and lines of what was measured for each label, or each column of numbers."""
    found = []
    for key, (heading, what) in _BY_NAME.items():
        table = run.result.get(key)
        if isinstance(table, dict) and all(isinstance(row, dict) for row in table.values()):
            found.append((heading, [_flat({what: name, **row}) for name, row in table.items()]))
    return found


def _worth(compared: Comparison) -> dict:
    """The values that the template shows of what was found beside baselines."""
    rows = []
    for row in compared.rows:
        row = {"": row["name"], "kind": row["kind"], compared.metric: row.get("value"), **row}
        shown = {key: value for key, value in row.items() if key not in ("name", "value")}
        if ends := worth.share_interval(compared.metric, row):
            shown["95 % interval"] = "{:.4f} to {:.4f}".format(*ends)
        rows.append(_flat(shown))
    used = [key for key in _columns(rows) if any(row.get(key) is not None for row in rows)]
    return {
        "rows": [{key: row.get(key) for key in used} for row in rows],
        "budget": compared.budget,
        "verdict": worth.verdict(compared),
    }


def _comparison(runs: Sequence[Run]) -> dict:
    """Several runs side by side: what was measured, and the settings in which they differ."""
    results = [_flat(run.result) for run in runs]
    settings = [_flat(_named_cell(run.settings)) for run in runs]
    figures = [
        key
        for key in dict.fromkeys(key for result in results for key in result)
        if not key.startswith((*_ORIGIN, "test_recall", "benchmark: columns: ", *_BY_NAME))
    ]
    differing = [
        key
        for key in dict.fromkeys(key for setting in settings for key in setting)
        if len({as_text(setting.get(key)) for setting in settings}) > 1
    ]
    return {
        "names": [run.path.name or str(run.path) for run in runs],
        "settings": {key: [setting.get(key) for setting in settings] for key in differing},
        "figures": {key: [result.get(key) for result in results] for key in figures},
    }


def _growth(run: Run) -> list[dict]:
    """The sizes of a supernet that grows, each with the epoch that it had it first."""
    found = []
    for record in run.records:
        size = {key: record.get(key) for key in ("nodes", "candidates")}
        if not all(type(value) in (int, float) for value in size.values()):
            continue
        if not found or any(found[-1][key] != value for key, value in size.items()):
            found.append({"from epoch": record.get("epoch"), **size})
    return [
        {key: f"{value:g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in found
    ]


def _candidates(run: Run) -> list[Picture]:
    """The evaluations of a search that trains one network after the other."""
    keys = (key for row in run.candidates for key in row)
    name = next((x for x in keys if x == "accuracy" or x.startswith("validation_")), "")
    known = [row for row in run.candidates if type(row.get(name)) in (int, float)]
    rungs = [row.get("rung", 0) for row in known]
    if not known or not all(type(rung) is int for rung in rungs):
        return []
    label = words(name).removeprefix("validation ")
    share = "accuracy" in name
    return _drawn(
        "Candidates that were trained",
        "candidates.svg",
        lambda path: plots.plot_candidates(
            [row[name] for row in known],
            path,
            f"Validation {label}",
            rungs=rungs,
            larger_is_better=share,
            share=share,
        ),
    )


def _curves(run: Run) -> list[Picture]:
    """Curves of the epochs so far, for a run that has not drawn any yet."""
    names = ("loss", *(key[4:] for record in run.records for key in record if key[:4] == "val_"))
    curves = {name: (words(name).capitalize(), "accuracy" in name) for name in names}
    return _drawn(
        "Loss and metrics by epoch",
        "history.svg",
        lambda path: plots.plot_history(run.records, path, curves=curves),
    )


def _drawn(title: str, name: str, draw) -> list[Picture]:
    """A picture that is in no folder; none where there is nothing to draw yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        try:
            draw(path)
        except UserError:
            return []
        return [Picture(title, name, path.read_bytes())]


def _command(run: Run) -> str:
    """The command line that makes the run again."""
    first = next((x for x in run.flags if x.startswith("# python -m ")), "").split()
    if len(first) < 4:
        return ""
    given = [line for line in run.flags if line.startswith("--")]
    return " \\\n  ".join([" ".join(first[1:4]), *map(shlex.quote, given)])


def _named_cell(settings: dict) -> dict:
    """Settings in which a cell is the name of its space, as the pictures show the cell itself."""
    cell = settings.get("genotype")
    return {**settings, "genotype": f"a cell of {cell['space']}"} if _is_cell(cell) else settings


def _is_cell(value) -> bool:
    return isinstance(value, dict) and "space" in value


def _flat(value: dict, name: str = "") -> dict:
    """Mappings in mappings as one, with names such as "network: parameters"; no lists of epochs."""
    found = {}
    for key, part in value.items():
        whole = f"{name}: {key}" if name else str(key)
        if isinstance(part, dict):
            found |= _flat(part, whole)
        elif not isinstance(part, list) or all(not isinstance(x, dict | list) for x in part):
            found[whole] = part
    return found


def _columns(rows: Sequence[dict]) -> list[str]:
    """The names of all values of rows, in the order in which they first come."""
    return list(dict.fromkeys(key for row in rows for key in row))


def _address(picture: Picture) -> str:
    """A picture as an address that holds it; a browser runs no script in it."""
    kind = mimetypes.guess_type(picture.name)[0]
    return f"data:{kind};base64,{base64.b64encode(picture.content).decode()}"
