"""--batch_size=auto: the largest batch whose search fits into the memory."""

from absl import flags

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from train import search_flags

_FILE = "batch_size.json"


def check() -> None:
    """Refuses flags about the batch that have no meaning together."""
    flag = search_flags.BATCH_SIZE
    automatic = flag.value == "auto"
    if search_flags.positive(search_flags.MEMORY_LIMIT) is not None and not automatic:
        raise UserError("--memory_limit is for --batch_size=auto; leave one of them out")
    parts = search_flags.ACCUMULATE_STEPS.value
    if not automatic and flag.value % parts:
        raise UserError(
            f"--accumulate_steps={parts}: --batch_size={flag.value} is no multiple of it; the "
            "parts of a batch are equally large"
        )
    if automatic and search_flags.RECOMPUTE.value:
        raise UserError(
            "--batch_size=auto does not know what --recompute saves; give a number, or leave one "
            "of them out"
        )
    if automatic and (search_flags.method() is None or search_flags.method().stages):
        raise UserError(
            f"--batch_size=auto does not suit --method={search_flags.METHOD.value}, which does not "
            "search one supernet; give a number"
        )


def settle(folder, data, method, replicas: int) -> None:
    """Gives --batch_size its number if it is "auto": that of the folder, else the largest.

    A search that is started again keeps its batch size, whatever memory is free then.

    Args:
        folder: the `RunFolder` of the search.
        data: the images.
        method: how to search.
        replicas: number of replicas.

    Raises:
        UserError: there are several replicas, there is no estimate for such a search, or nothing
            fits.
    """
    if search_flags.BATCH_SIZE.value != "auto":
        return
    if replicas > 1:
        raise UserError("--batch_size=auto is for one device; give a number, or --distribute=none")
    if (chosen := folder.read_json(_FILE)) is None:
        chosen = _largest(data, method)
        folder.write_json(_FILE, chosen)
    flags.FLAGS[search_flags.BATCH_SIZE.name].value = chosen


def settled(run_dir) -> int | None:
    """The batch size that a search in that folder chose; None if it was given a number."""
    path = run_dir / _FILE
    return reading.read_json(path) if path.exists() else None


def _largest(data, method) -> int:
    from darts_tf.costs import memory

    channels, cells = search_flags.size()
    size = (data.image_shape, data.num_classes, channels, cells)
    supernet = method.make_supernet(search_flags.SPACE.value, *size)
    estimate = memory.estimate(supernet, method.make_gradient())
    given, parts = search_flags.MEMORY_LIMIT.value, search_flags.ACCUMULATE_STEPS.value
    limit = given * 1e9 if given else memory.free_memory()
    portion = search_flags.TRAIN_PORTION.value
    # The smaller part of the data must hold a batch.
    most = int(min(portion, 1 - portion) * len(data.train_labels)) // parts * parts
    chosen = max(parts, min(estimate.largest_batch(limit, parts), most))
    print(
        f"batch size: {chosen}, which needs about {estimate.peak(chosen, parts) / 1e9:.1f} of "
        f"{limit / 1e9:.1f} GB",
        flush=True,
    )
    return chosen
