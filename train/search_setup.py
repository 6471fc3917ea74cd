"""The search of a configuration, its data, and the search of an earlier run again."""

import dataclasses
import pathlib
from collections.abc import Collection
from typing import TypeVar

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import gradients, methods
from darts_tf.common.errors import UserError
from darts_tf.common.seeds import of_stream
from darts_tf.costs.counted import parameters
from darts_tf.search.architecture_search import ArchitectureSearch
from train import batch_sizes, costs, run_data, search_checks
from train.data_flags import SOURCES
from train.search_flags import SearchConfig
from train.task_data import TaskData

C = TypeVar("C", bound=SearchConfig)
# Where data are may have changed since, and decides nothing.
_PLACES = ("dataset", "data_dir", "benchmark_table", "latency_table")


def make(config: SearchConfig, data: TaskData, method) -> ArchitectureSearch:
    """The search of the cells of a new supernet, the first one where there are several.

    Args:
        config: the search.
        data: of the task.
        method: how to search.
    """
    channels, cells = config.size()
    if method.stages:
        cells = method.stages[0].cells
    size = (data.input_shape, data.num_classes, channels, cells)
    supernet = method.make_supernet(
        config.space, *size, seed=config.seed, macro=data.macro(config.space)
    )
    costs.check(config)
    return ArchitectureSearch(
        supernet,
        method,
        penalty=costs.StagePenalty(config, supernet) if config.cost else None,
        accumulate_steps=config.accumulate_steps,
        recompute=config.recompute,
        task=data.task(config.task),
        jit_compile={"true": True, "false": False}.get(config.jit_compile, "auto"),
    )


def describe(search: ArchitectureSearch) -> None:
    """Prints in a line what the supernet of a search is, and how it is searched."""
    config, method = search.supernet.get_config(), search.method
    print(
        f"supernet: {config['cells']} cells, {config['channels']} channels, "
        f"{parameters(search.supernet):,} weights; method {method.name}, hypergradient "
        f"{gradients.label(method.gradient)}",
        flush=True,
    )


def streams(config: SearchConfig, data: TaskData):
    """The training and the validation batches, each a function from the number of the epoch."""
    return tuple(
        data.stream(part, config.batch_size, of_stream(config.seed, number))
        for number, part in enumerate(_parts(config, data))
    )


def validation_batches(config: SearchConfig, data: TaskData):
    """The validation examples in a fixed order, without augmentation."""
    return data.in_order(_parts(config, data)[1], config.batch_size)


def of_run(config: C, run_dir: pathlib.Path, own: Collection[str] = ()) -> C:
    """The configuration with the settings of a run of train.search.

    Args:
        config: what the user gave.
        run_dir: what --output_dir was.
        own: names of settings that are not taken from it.

    Raises:
        UserError: the folder is none of a search with a supernet, or what was given contradicts it.
    """
    path, names = run_dir / "config.json", set(config.names()) - set(own)
    taken, settings = {}, _read_settings(run_dir)
    task = settings.get("task", config.task)
    if task in SOURCES and "recurrent" in SOURCES.named(task).kinds:
        # The folder has the numbers that there are instead, such as the one cell.
        names -= set(search_checks.OF_IMAGES)
    # As it was before there was a choice.
    settings = {"stem": "cifar", "augment": "shift", **settings}
    for name in settings:
        if name not in names:
            continue
        if name in config.given and name not in _PLACES:
            raise UserError(f"--{name} is a setting of the search and is taken from --run_dir")
        taken |= run_data.taken_from(config, settings, path, [name])
    if (chosen := batch_sizes.settled(run_dir)) is not None:
        taken["batch_size"] = chosen
    return dataclasses.replace(config, **taken)


def _read_settings(run_dir: pathlib.Path) -> dict:
    """The settings of a search with a supernet."""
    path = run_dir / "config.json"
    settings = run_data.read_settings(path, run_dir)
    if settings.get("program") != "search":
        raise UserError(f"--run_dir={run_dir} is no folder of train.search")
    if not isinstance(method := settings.get("method"), str):
        raise UserError(f"{path} is damaged: it names no method")
    if not methods.get(method).trains:
        raise UserError(
            f"--run_dir={run_dir} is a search by {method}, which has no supernet to select from"
        )
    return settings


def restore(config: SearchConfig, data: TaskData, method, run_dir: pathlib.Path):
    """The search with the supernet of its last checkpoint, and after how many epochs that is.

    Args:
        config: that of the run; see `of_run`.
        data: of the task.
        method: that of the configuration.
        run_dir: the folder.

    Raises:
        UserError: there is no checkpoint, or the last of several stages has not begun.
    """
    search = make(config, data, method)
    position = search.restore(run_dir / "checkpoints")
    if position is None or position == (0, 0):
        raise UserError(f"--run_dir={run_dir} has no checkpoint yet; let the search run longer")
    if not search.in_last_stage:
        raise UserError(f"--run_dir={run_dir}: the last stage of the search has not begun")
    describe(search)
    epoch, step = position
    after = f" and {step} steps" if step else ""
    print(f"supernet after {epoch} epochs{after}", flush=True)
    return search, epoch


def _parts(config: SearchConfig, data: TaskData):
    return data.with_validation(config.train_portion, config.seed)
