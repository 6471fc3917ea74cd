"""The search that the flags describe, and its data: what train.search and train.select share."""

from train import data_flags, search_flags


def make(data, method, cells: int, **options):
    """A supernet and the search of its cells; prints in a line what it is.

    Args:
        data: the images.
        method: how to search.
        cells: of the supernet.
        **options: more arguments of `Supernet`.
    """
    from darts_tf.cost import parameters
    from darts_tf.search import ArchitectureSearch
    from darts_tf.supernet import Supernet

    channels = search_flags.size()[0]
    size = (data.image_shape, data.num_classes, channels, cells)
    options = {"seed": data_flags.SEED.value, **method.supernet_options(), **options}
    supernet = Supernet(search_flags.SPACE.value, *size, relaxation=method.relaxation, **options)
    print(
        f"supernet: {cells} cells, {channels} channels, {parameters(supernet):,} "
        f"weights; method {method.name}, hypergradient {method.gradient}",
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
    augmentation = datasets.Augmentation.suited_to(data)

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


def _parts(data):
    from darts_tf import datasets

    return datasets.split(
        data.train_images,
        data.train_labels,
        search_flags.TRAIN_PORTION.value,
        data_flags.SEED.value,
    )
