"""The interface of every kind of data set to `load`, before anything is chosen from it."""

import abc
import concurrent.futures
import dataclasses
import os

import numpy as np

from darts_tf.common.errors import UserError

#: What images are labelled with: one class each, any of several labels, or numbers.
KINDS = CLASSES, LABELS, NUMBERS = "classes", "labels", "numbers"
_USABLE_MEMORY = 0.8


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Labelled images that may still have to be read.

    Args:
        name: The data set's name.
        class_names: One name a class.
        image_shape: `(H, W, C)` of what the readers give.
        photos: Whether these are known to be photos of things that are the same when they are
            mirrored or partly hidden, so that a flip and a cutout suit them.
        train_labels: int32 array of shape `[N]`.
        read_train: A `Reader` of the N images.
        test_labels: int32 array of shape `[M]`, or None where there is no test part.
        read_test: As `read_train`, or None.
        validation_labels: The same of a validation part, or None.
        read_validation: As `read_train`, or None.
        kind: Of the labels, one of `KINDS`, see `ImageData`; those of the others are `[N, K]`.
        statistics: Published `(mean, std)` where there are some, else None: they are computed.
        version: Of a prepared set; None for others.
        bit_depth: How many bits are used of images with 16 bits a channel; None without such.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    photos: bool
    train_labels: np.ndarray
    read_train: "Reader"
    test_labels: np.ndarray | None = None
    read_test: "Reader | None" = None
    statistics: tuple | None = None
    version: str | None = None
    bit_depth: int | None = None
    validation_labels: np.ndarray | None = None
    read_validation: "Reader | None" = None
    kind: str = "classes"


class Reader(abc.ABC):
    """The images of one part of a data set."""

    @abc.abstractmethod
    def blocks(self, indices, bad):
        """Reads images, some at a time.

        Args:
            indices: Which, sorted, int64 `[n]`.
            bad: A `BadImages`, which gets those that cannot be read, or raises their error.

        Yields:
            Pairs of positions in `indices`, which rise from pair to pair and within it, and uint8
            images `[len(positions), H, W, C]`. Positions that are left out could not be read.
        """

    def cropped(self, share):
        """A reader of the middle of these images, see `pixels.middle`.

        Args:
            share: Of the sides of what fits into an image, above 0 and at most 1.

        Raises:
            UserError: If they are in memory, all of one size.
        """
        raise UserError(
            "an evaluation crop is for image files, which may have any size: these images are "
            "arrays of the network's own size; leave --evaluation_crop out"
        )

    def key(self, indices):
        """A text on which those pixels depend; None where they are in memory anyway."""
        return None


class ArrayReader(Reader):
    """Images in memory, of which only a part is copied.

    Args:
        images: uint8 array of shape `[N, H, W, C]`.
    """

    def __init__(self, images):
        self._images = images

    def blocks(self, indices, bad):
        every = len(indices) == len(self._images)
        yield np.arange(len(indices)), self._images if every else self._images[indices]


def parallel(function, items):
    """Returns `[function(item) for item in items]`, computed in threads.

    They help where the function decodes images, which Pillow does outside of Python's lock.
    """
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def check_memory(size, name, remedy="choose a smaller --image_size or fewer images"):
    """Raises a `UserError` if `size` bytes are more than this machine can hold now."""
    available = available_memory()
    if available is not None and size > _USABLE_MEMORY * available:
        raise UserError(
            f"{name} takes {size / 1e9:,.1f} GB in memory and {available / 1e9:,.1f} GB are free: "
            f"{remedy}"
        )


def available_memory():
    """Free memory in bytes, or None where the system doesn't tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
