"""A folder with a lowered step and what it must come to, for `scripts/run_lowered.py`."""

import importlib.metadata
import json
import pathlib
from typing import NamedTuple

import numpy as np

from darts_tf.benchmark.lowering import Program
from darts_tf.benchmark.recorded_steps import Record
from darts_tf.common import files

FORMAT = 2
MANIFEST, ARRAYS = "manifest.json", "arrays.npz"
#: Name of a program -> its file.
PROGRAMS = {"exact": "exact.jax", "fast": "fast.jax"}
_PACKAGES = ("tensorflow", "keras", "jax", "jaxlib", "numpy")

# How far the steps may end from TensorFlow's. Exact: of each variable, in units of the farthest
# that it moved, and of what the steps return, in units of its size; besides so many times as far as
# any variable of its kind ends elsewhere where the first weights are rounded otherwise. Rounded:
# of all variables of a kind together, that many times as far as the same steps of TensorFlow's end
# from each other in float32 and in bfloat16, and a part of how far they moved.
_EXACT = {
    "float32": {"variables": 1e-3, "results": 1e-4, "times": 5.0},
    # Alphas and means are float32 here, too.
    "float64": {"variables": 1e-5, "results": 1e-5, "times": 5.0},
}
_ROUNDED = {"times": 2.0, "part": 0.05}


class Records(NamedTuple):
    """The same steps of TensorFlow's.

    Attributes:
        recorded: as the library runs them.
        rounded: from the same variables in another precision, see `train.lowering`.
        nudged: from weights that are rounded otherwise; None where nobody asks.
    """

    recorded: Record
    rounded: Record
    nudged: Record | None


def tolerances(precision: str) -> dict[str, dict[str, float]]:
    """For each program how far its numbers may be from TensorFlow's.

    Args:
        precision: what is computed with, as `train.benchmark` has it.
    """
    return {"exact": _EXACT.get(precision, _ROUNDED), "fast": _ROUNDED}


def write(folder, program: Program, records: Records, precision: str, workload: dict) -> dict:
    """Writes the folder; one that was there is replaced.

    Args:
        folder: its path.
        program: the step.
        records: of the steps that the library itself ran, from the variables of the program.
        precision: see `tolerances`.
        workload: what the step is of, for people and for peers: flag -> value.

    Returns:
        The manifest.

    Raises:
        UserError: the file system does not take it.
    """
    folder = pathlib.Path(folder)
    record, other, nudged = records
    programs = {k: v for k, v in vars(program).items() if k in PROGRAMS and v is not None}
    manifest = {
        "format": FORMAT,
        "workload": workload,
        "precision": precision,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "steps": len(record.batches),
        "programs": {name: PROGRAMS[name] for name in programs},
        "arguments": {
            "batch": [_described(f"batch/{i}", a) for i, a in enumerate(record.batches[0])],
            "state": [_described(record.names[i], record.before[i]) for i in program.state],
        },
        "results": [
            _described(name, record.results[name][0], compared=True)
            if name in record.results
            else {"name": name, "compared": False}
            for name in program.results
        ],
        "tolerances": {k: v for k, v in tolerances(precision).items() if k in programs},
    }
    arrays = {f"batch/{i}": np.stack(a) for i, a in enumerate(zip(*record.batches, strict=True))}
    for position, i in enumerate(program.state):
        arrays[f"before/{position}"] = record.before[i]
        arrays[f"after/{position}"] = record.after[i]
        arrays[f"rounded/{position}"] = _distance(record.after[i], other.after[i])
        arrays[f"nudged/{position}"] = _largest(record.after[i], nudged and nudged.after[i])
    for name, values in record.results.items():
        arrays[f"result/{name}"] = np.stack(values)
        arrays[f"rounded_result/{name}"] = np.abs(np.stack(values) - other.results[name])
        again = nudged and np.stack(nudged.results[name])
        arrays[f"nudged_result/{name}"] = _largest(arrays[f"result/{name}"], again)
    # Without a manifest nobody takes half of a new folder with half of an old one.
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in PROGRAMS.keys() - programs.keys():
        (folder / PROGRAMS[name]).unlink(missing_ok=True)
    for name, content in programs.items():
        files.write(folder / PROGRAMS[name], content)
    with files.whole(folder / ARRAYS) as path:
        np.savez_compressed(path, **arrays)
    files.write(folder / MANIFEST, json.dumps(manifest, indent=1))
    return manifest


def _distance(first, second) -> np.float64:
    return np.linalg.norm((first.astype(np.float64) - second).ravel())


def _largest(first, second) -> np.float64:
    """The largest difference; 0 from nothing."""
    if second is None or not first.size:
        return np.float64(0)
    return np.abs(first.astype(np.float64) - second).max()


def _described(name: str, array, **more) -> dict:
    return {"name": name, "shape": list(array.shape), "dtype": array.dtype.name, **more}
