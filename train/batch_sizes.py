"""--batch_size=auto: the largest batch whose search fits into the memory."""

import dataclasses

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.costs import memory
from train.search_flags import SearchConfig

_FILE = "batch_size.json"


def check(config: SearchConfig) -> None:
    """Refuses flags about the batch that have no meaning together."""
    automatic = config.batch_size == "auto"
    if config.positive("memory_limit") is not None and not automatic:
        raise UserError("--memory_limit is for --batch_size=auto; leave one of them out")
    count = config.accumulate_steps
    if not automatic and config.batch_size % count:
        raise UserError(
            f"--accumulate_steps={count}: --batch_size={config.batch_size} is no multiple of it; "
            "the parts of a batch are equally large"
        )
    if automatic and config.recompute:
        raise UserError(
            "--batch_size=auto does not know what --recompute saves; give a number, or leave one "
            "of them out"
        )
    method = config.make_method()
    if automatic and (not method.has_supernet or method.stages):
        raise UserError(
            f"--batch_size=auto does not suit --method={config.method}, which does not "
            "search one supernet; give a number"
        )


def settle(config: SearchConfig, folder, data, method, replicas: int) -> SearchConfig:
    """The search with a number where its batch size is "auto": the folder's, else the largest.

    A search that is started again keeps its batch size, whatever memory is free then.

    Args:
        config: the search.
        folder: the `RunFolder` of the search.
        data: of the task.
        method: how to search.
        replicas: number of replicas.

    Raises:
        UserError: there are several replicas, there is no estimate for such a search, or nothing
            fits.
    """
    if config.batch_size != "auto":
        return config
    if replicas > 1:
        raise UserError("--batch_size=auto is for one device; give a number, or --distribute=none")
    if (chosen := folder.read_json(_FILE)) is None:
        chosen = _largest(config, data, method)
        folder.write_json(_FILE, chosen)
    return dataclasses.replace(config, batch_size=chosen)


def settled(run_dir) -> int | None:
    """The batch size that a search in that folder chose; None if it was given a number."""
    path = run_dir / _FILE
    return reading.read_json(path) if path.exists() else None


def _largest(config: SearchConfig, data, method) -> int:
    channels, cells = config.size()
    size = (data.input_shape, data.num_classes, channels, cells)
    supernet = method.make_supernet(config.space, *size, macro=data.macro(config.space))
    estimate = memory.estimate(
        supernet, method.make_gradient(), levels=method.make_levels(), task=data.task(config.task)
    )
    given, count = config.memory_limit, config.accumulate_steps
    limit = given * 1e9 if given else memory.free_memory()
    portion, size = config.train_portion, data.size(data.training)
    # The smaller part of the data must hold a batch.
    least = int(min(portion, 1 - portion) * size)
    if data.validation is not None:
        least = min(size, data.size(data.validation))
    most = least // count * count
    chosen = max(count, min(estimate.largest_batch(limit, count), most))
    print(
        f"batch size: {chosen}, which needs about {estimate.peak(chosen, count) / 1e9:.1f} of "
        f"{limit / 1e9:.1f} GB",
        flush=True,
    )
    return chosen
