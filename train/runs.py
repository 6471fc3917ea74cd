"""How the programs begin a run in a folder, or go on with one: the same data, treated the same."""

import dataclasses
import os
import pathlib

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.runs.run_folder import RunFolder, has_begun
from darts_tf.runs.settings import Changeable
from darts_tf.runtime import out_of_memory
from train import program
from train.data_flags import C, DataConfig
from train.task_data import TaskData

# They say where the data are; whether these are the same is told by their fingerprint.
_PLACES = ("dataset", "data_dir", "train_examples", "image_size", "max_bad_images")
# They change nothing of what is computed. --memory_limit has chosen the batch size already.
_WITHOUT_EFFECT = ("benchmark_table", "latency_table", "memory_limit", "cache_dir")


def keep_augmentation(config: C, run_dir) -> C:
    """The configuration with what a run does to images, unless the user gave that.

    It is --flip, --cutout, --augment and --stem. Their defaults depend on the data, and once were
    others.
    """
    if not has_begun(run_dir):
        return config
    run_dir = pathlib.Path(run_dir)
    settings = _read(run_dir / "config.json") or {}
    before = {"flip": _flip(run_dir, None), "cutout": settings.get("cutout")}
    before = {name: value for name, value in before.items() if isinstance(value, bool)}
    # Before there was a choice.
    for name, default in (("stem", "cifar"), ("augment", "shift")):
        if isinstance(value := settings.get(name, default), str):
            before[name] = value
    names = set(config.names()) - config.given
    kept = {name: value for name, value in before.items() if name in names}
    return dataclasses.replace(config, **kept)


def open_folder(
    config: DataConfig,
    decisive: dict,
    data: TaskData,
    changeable: Changeable,
    *,
    trains: bool = True,
    writes: bool = True,
) -> RunFolder:
    """The folder of a run; says what is done to the training images unless the run is finished.

    Args:
        config: of the program; --output_dir is where.
        decisive: all settings that decide the result.
        data: of the task.
        changeable: what may change when the run goes on, besides what is the same in all programs.
        trains: whether anything is trained on the data.
        writes: see `RunFolder`.

    Raises:
        UserError: the folder holds a run on other data or with other settings, or it cannot be
            written.
    """
    output_dir, description = config.output_dir, data.description(trains)
    same = has_begun(output_dir) and refuse_other_data(config, data, output_dir, description)
    free = (*changeable.free, *_WITHOUT_EFFECT, *(_PLACES if same else ()))
    # Earlier versions knew one task and always shifted; they kept the default of --flip only as
    # what it came to.
    before = {"task": "image_classification", "crop": True, "flip": _flip(output_dir, config.flip)}
    before |= {"class_weights": "none", "sampling": "all", "max_bad_images": 0, "stem": "cifar"}
    before |= {"augment": "shift", "evaluation_crop": None}
    before |= {"image_feature": "image/encoded", "label_feature": "image/class/label"}
    changeable = dataclasses.replace(
        changeable, free=free, unwritten={**before, **changeable.unwritten}
    )
    folder = RunFolder(output_dir, decisive, writes, changeable)
    if folder.finished:
        return folder
    folder.write_json("data.json", description)
    folder.write("flags.txt", program.flag_file(config))
    _say_extension(folder)
    if trains and (line := data.training_line()):
        print(line, flush=True)
    return folder


def refuse_other_data(
    config: DataConfig, data: TaskData, run_dir, description: dict, flag: str = "output_dir"
) -> bool:
    """Compares data with those of an earlier run; says so where that is only possible in part.

    Args:
        config: of the program.
        data: the present data.
        run_dir: the folder of the run.
        description: theirs.
        flag: the one that names `run_dir`.

    Returns:
        Whether they have been compared. They cannot be where the run kept no description.

    Raises:
        UserError: they are other data; names the first difference.
    """
    path = pathlib.Path(run_dir) / "data.json"
    if not os.path.exists(path):
        return False
    before = data.read_description(path)
    if difference := data.difference(before, description):
        raise UserError(
            f"--{flag}={run_dir} holds a run on other data: {difference}. Bring back the data of "
            "that run to go on with it, or give another folder"
            + _other_settings(config, _read(path.with_name("config.json")) or {})
        )
    if "fingerprint" not in before:
        print(
            f"note: --{flag}={run_dir} is of an earlier version, which kept no fingerprint of the "
            "data: only classes, counts, size, mean and deviation could be compared"
        )
    return True


def _flip(run_dir, default: bool | None) -> bool | None:
    """Whether a run mirrors its training images."""
    return (_read(pathlib.Path(run_dir) / "data.json") or {}).get("flip", default)


def _other_settings(config: DataConfig, before: dict) -> str:
    """Which of the flags that choose the data have other values than in a run."""
    now = config.values(_PLACES)
    found = [
        f"--{name} was {before[name]!r} and is now {now[name]!r}"
        for name in _PLACES
        if name in before and before[name] != now[name]
    ]
    return f" ({'; '.join(found)})" if found else ""


def provenance(folder, data: TaskData) -> dict:
    """The provenance of a result: the run's data, and its extensions by epochs.

    More trials or candidates change none of those before.
    """
    found = {"data_sha256": data.digest(folder.read_json("data.json"))}
    epochs = [one for one in folder.extended if one["setting"] == "epochs"]
    return found | ({"extended": epochs} if epochs else {})


def memory() -> dict:
    """What a result says of memory: the most that this process has had, in 1e9 bytes."""
    return {"peak_memory_gb_of_last_start": round(out_of_memory.peak_bytes() / 1e9, 2)}


def _say_extension(folder) -> None:
    for extension in folder.extended:
        if extension["setting"] == "epochs":
            before, now, done = (extension[key] for key in ("before", "now", "done"))
            print(
                f"note: this run was begun for {before} epochs; after {done} it goes on with the "
                f"learning rates and other schedules of {now}. It is not the same as a run of "
                f"{now} epochs from the start; extensions.json says so too"
            )


def _read(path: pathlib.Path):
    try:
        return reading.read_json(path)
    except (OSError, ValueError):
        return None
