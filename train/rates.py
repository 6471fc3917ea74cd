"""The learning rate of the architecture, as a run's folder keeps it."""

import dataclasses
import json

_FILE = "architecture_learning_rate.json"


def settle(folder, method, epochs: int, steps_per_epoch: int):
    """The method as it is, its rate written down; of a run of an earlier version with that's rate.

    That was the paper's, whatever the number of steps; stages that such a run has not begun take it
    too. A search that goes on from a checkpoint has the rate of the checkpoint in any case, even
    where it has become longer.

    Args:
        folder: the `RunFolder` of the search.
        method: that of the flags.
        epochs: of the search.
        steps_per_epoch: batches of an epoch.
    """
    if not method.architecture_steps(epochs, steps_per_epoch):
        return method
    rate = float(method.at_length(epochs, steps_per_epoch).architecture_learning_rate)
    # Other workers than the chief read what that has written.
    before = _read(folder.checkpoints.parent)
    if before is None:
        begun = any(folder.checkpoints.glob("**/*.index"))
        before = float(method.architecture_learning_rate) if begun else rate
        folder.write_json(_FILE, before)
    if before == rate or before != method.architecture_learning_rate:
        return method
    print(
        f"note: this run is of an earlier version; its architecture keeps the learning rate "
        f"{before:g}, where a new run would have {rate:g}",
        flush=True,
    )
    return dataclasses.replace(method, architecture_learning_rate=before)


def of_run(run_dir, method):
    """The method with the rate of a run that has begun; of an earlier version's run the paper's."""
    rate = _read(run_dir)
    rate = float(method.architecture_learning_rate) if rate is None else rate
    return dataclasses.replace(method, architecture_learning_rate=rate)


def _read(run_dir) -> float | None:
    path = run_dir / _FILE
    return json.loads(path.read_text()) if path.exists() else None
