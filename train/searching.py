"""The search that the flags describe, its data, and the search of an earlier run again."""

import os
import pathlib

from absl import flags

from darts_tf import baselines, gradients, methods
from darts_tf.common import reading
from darts_tf.common.errors import UserError
from train import batch_sizes, data_flags, search_flags

# Where data are may have changed since, and decides nothing.
_PLACES = ("dataset", "data_dir", "benchmark_table", "latency_table")


def make(data, method, cells: int, **options):
    """A supernet and the search of its cells; prints in a line what it is.

    Args:
        data: the images.
        method: how to search.
        cells: of the supernet.
        **options: more arguments of `Supernet`.
    """
    from darts_tf.costs.counted import parameters
    from darts_tf.search.architecture_search import ArchitectureSearch

    channels = search_flags.size()[0]
    size = (data.image_shape, data.num_classes, channels, cells)
    options = {"seed": data_flags.SEED.value, **options}
    supernet = method.make_supernet(search_flags.SPACE.value, *size, **options)
    print(
        f"supernet: {cells} cells, {channels} channels, {parameters(supernet):,} "
        f"weights; method {method.name}, hypergradient {gradients.label(method.gradient)}",
        flush=True,
    )
    return ArchitectureSearch(
        supernet,
        method,
        penalty=search_flags.penalty(supernet, size),
        accumulate_steps=search_flags.ACCUMULATE_STEPS.value,
        recompute=search_flags.RECOMPUTE.value,
        jit_compile={"true": True, "false": False}.get(search_flags.JIT_COMPILE.value, "auto"),
    )


def streams(data):
    """The training and the validation batches, each a function from the number of the epoch."""
    from darts_tf import datasets

    parts, seed = _parts(data), data_flags.SEED.value
    augmentation = data_flags.augmentation(data)

    def stream(part, offset):
        return lambda epoch: datasets.batches(
            *parts[part],
            search_flags.BATCH_SIZE.value,
            mean=data.mean,
            std=data.std,
            augmentation=augmentation,
            shuffle=True,
            seed=2 * seed + offset,
            epoch=epoch,
            drop_remainder=True,
        )

    return stream(0, 0), stream(1, 1)


def validation_batches(data):
    """The validation images in a fixed order, without augmentation."""
    from darts_tf import datasets

    return datasets.batches(
        *_parts(data)[1],
        search_flags.BATCH_SIZE.value,
        mean=data.mean,
        std=data.std,
        drop_remainder=True,
    )


def take_settings(run_dir: pathlib.Path, others=()) -> None:
    """Gives the flags of a search the values that they had in a run of train.search.

    Args:
        run_dir: what --output_dir was.
        others: flags that are not taken from it.

    Raises:
        UserError: the folder is none of a search with a supernet, or a flag contradicts it.
    """
    path = run_dir / "config.json"
    if not os.path.exists(path):
        raise UserError(f"--run_dir={run_dir} holds no config.json; give a folder of train.search")
    try:
        config = reading.read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    if not isinstance(config, dict) or config.get("program") != "search":
        raise UserError(f"--run_dir={run_dir} is no folder of train.search")
    if not isinstance(config.get("method"), str):
        raise UserError(f"{path} is damaged: it names no method")
    if config["method"] in baselines.BASELINES or not methods.get(config["method"]).trains:
        raise UserError(
            f"--run_dir={run_dir} is a search by {config['method']}, which has no supernet to "
            "select from"
        )
    own = {flag.name for flag in others}
    for name, value in config.items():
        if name not in flags.FLAGS or name in own:
            continue
        if not flags.FLAGS[name].present:
            flags.FLAGS[name].value = _parsed(name, value, path)
        elif name not in _PLACES:
            raise UserError(f"--{name} is a setting of the search and is taken from --run_dir")
    if (chosen := batch_sizes.settled(run_dir)) is not None:
        flags.FLAGS[search_flags.BATCH_SIZE.name].value = chosen


def _parsed(name: str, value, path):
    """A value of a flag in a run's settings, which is as good as one on the command line."""
    try:
        return value if value is None else flags.FLAGS[name].parser.parse(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is damaged: {name} is {value!r:.60} ({error})") from error


def restore(data, method, run_dir: pathlib.Path):
    """The search with the supernet of its last checkpoint, and after how many epochs that is.

    Args:
        data: the images.
        method: that of the flags.
        run_dir: the folder whose settings the flags have; see `take_settings`.

    Raises:
        UserError: there is no checkpoint, or the last of several stages has not begun.
    """
    from darts_tf.runs.checkpoints import Checkpoints

    options, cells = {}, search_flags.size()[1]
    if method.stages:
        stage = method.stages[-1]
        kept = run_dir / f"stage_{len(method.stages) - 1}" / "operations.json"
        if not kept.exists():
            raise UserError(f"--run_dir={run_dir}: the last stage of the search has not begun")
        options = {"edge_operations": reading.read_json(kept)}
        method, cells = method.of_stage(stage), stage.cells
    search = make(data, method, cells, **options)
    checkpoints = Checkpoints(run_dir / "checkpoints", {"supernet": search.supernet.variables})
    epoch, step = checkpoints.restore(part=True)
    if not epoch and not step:
        raise UserError(f"--run_dir={run_dir} has no checkpoint yet; let the search run longer")
    search.recall(checkpoints.notes)
    after = f" and {step} steps" if step else ""
    print(f"supernet after {epoch} epochs{after}", flush=True)
    return search, epoch


def _parts(data):
    from darts_tf import datasets

    return datasets.split(
        data.train_images,
        data.train_labels,
        search_flags.TRAIN_PORTION.value,
        data_flags.SEED.value,
    )
