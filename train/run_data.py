"""The data of an earlier run, and the cell that it found, taken from its folder."""

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import TypeVar

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from train import fields, runs
from train.config import Config
from train.data_flags import SOURCES, DataConfig
from train.task_data import TaskData

C = TypeVar("C", bound=Config)
_IMAGES = "image_classification"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunDataConfig(Config):
    """Which run the data, or the cell, are those of."""

    run_dir: str | None = fields.text(
        None,
        "The folder of a search, whose data flags count here too (--dataset, --image_size, "
        "--train_examples and so on, those that are given win), and whose cell is the default of "
        "--genotype.",
    )


def of_run(config: C, names: Iterable[str] | None = None) -> C:
    """The configuration with the data of --run_dir; says which settings are taken.

    Args:
        config: what the user gave; with `run_dir`.
        names: of the settings that are taken. Default: those that say which data they are.

    Raises:
        UserError: the folder is none of a run, or of another task than the one that was given.
    """
    if not config.run_dir:
        return config
    path = pathlib.Path(config.run_dir) / "config.json"
    settings = read_settings(path, config.run_dir)
    # Earlier versions knew one task.
    task = settings.get("task", _IMAGES)
    if task not in SOURCES:
        raise UserError(f"{path} is damaged: there is no task {task!r:.60}")
    if task != config.task and ("task" in config.given or "task" not in config.names()):
        raise UserError(f"--run_dir={config.run_dir} is of the task {task}, not {config.task}")
    own = set(config.names())
    if names is None:
        names = ["task", "dataset", *SOURCES.named(task).reading, *SOURCES.named(task).also_taken]
    taken = taken_from(config, settings, path, [name for name in names if name in own])
    config = dataclasses.replace(config, **taken, given=config.given | {*taken})
    told = [x for x in taken if x == "dataset" or taken[x] != getattr(type(config), x)]
    if words := config.words(told):
        print(f"as in {config.run_dir}: {' '.join(words)}", flush=True)
    return config


def read_settings(path: pathlib.Path, run_dir) -> dict:
    """The settings of a run of any program.

    Args:
        path: its config.json.
        run_dir: its folder, as the user wrote it.

    Raises:
        UserError: there are none.
    """
    if not os.path.exists(path):
        raise UserError(f"--run_dir={run_dir} holds no config.json; give a folder of train.search")
    try:
        settings = reading.read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(settings, dict):
        raise UserError(f"{path} is damaged: it holds no settings")
    return settings


def taken_from(config: Config, settings: Mapping, path, names: Iterable[str]) -> dict:
    """Settings of a run that the user did not give, as the flags take them.

    Args:
        config: what the user gave.
        settings: of the run.
        path: their file, for messages.
        names: which.

    Raises:
        UserError: a value is none that the flag could have.
    """
    taken = {}
    for name in names:
        if name in settings and name not in config.given:
            value = settings[name]
            try:
                taken[name] = config.parse(name, value)
            except (TypeError, ValueError) as error:
                raise UserError(f"{path} is damaged: {name} is {value!r:.60} ({error})") from error
    return taken


def check(config: DataConfig, data: TaskData, given: Iterable[str]) -> None:
    """Refuses data that have changed since the run of --run_dir, unless the user chose others.

    Args:
        config: with `run_dir`.
        data: those of now.
        given: the names of the flags that the user gave, before the run's were taken.

    Raises:
        UserError: names the first difference.
    """
    chosen = {"dataset", *SOURCES.named(config.task).reading} & {*given}
    if config.run_dir and not chosen and not _in_part(config.run_dir):
        description = data.description(trains=False)
        runs.refuse_other_data(config, data, config.run_dir, description, "run_dir")


def _in_part(run_dir) -> bool:
    """Whether a search has learned from a part of the images that it chose for itself."""
    settings = read_settings(pathlib.Path(run_dir) / "config.json", run_dir)
    return settings.get("weight_examples") is not None
