"""Where decoded images are kept: in memory, or on disk from which batches are read."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil

import numpy as np
import PIL
from absl import logging

from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.common.progress import Progress
from darts_tf.datasets import source
from darts_tf.datasets.fingerprint import hash_array
from darts_tf.datasets.stored_images import StoredImages

# Share of the free memory that images may take; the rest is for what learns from them.
_SHARE = 0.5
_VERSION = 2
# Names of bad images in one message.
_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Storage:
    """How images that are read from files are kept.

    Every image is decoded and resized once, at the beginning. What comes after that, such as the
    order of an epoch, knows nothing of the place: batches are the same, bit by bit.

    Args:
        cache_dir: A folder for the decoded images, from which batches are read and which later
            starts use again. Without it images are in memory where they take at most half of what
            is free, and else in a temporary file.
        max_bad_images: How many image files may be left out because they cannot be read.

    Raises:
        UserError: `max_bad_images` is negative.
    """

    cache_dir: str | os.PathLike | None = None
    max_bad_images: int = 0

    def __post_init__(self):
        if self.max_bad_images < 0:
            raise UserError(f"max_bad_images is {self.max_bad_images}: give 0 or more")


class BadImages:
    """The images that are left out because they cannot be read, each with a warning.

    Args:
        limit: How many there may be.
    """

    def __init__(self, limit: int = 0):
        self._limit = limit
        self.names: list[str] = []

    def add(self, name: str, error: Exception) -> None:
        """Leaves an image out.

        Raises:
            UserError: It is one too many: `error`, if that is one, with the names of those before.
        """
        if len(self.names) >= self._limit:
            if not self._limit:
                raise error
            others = ", ".join(self.names[:_NAMED]) + ", ..." * (len(self.names) > _NAMED)
            raise UserError(
                f"{error}; with {others} more than --max_bad_images={self._limit} images cannot "
                "be read"
            ) from error
        logging.warning("left out: %s", error)
        self.names.append(name)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Some images that have to be read.

    Args:
        what: They are called, for messages.
        reader: Of the part of the data that they are in, see `Source`.
        indices: Which, sorted.
        image_shape: `(H, W, C)`.
    """

    what: str
    reader: object
    indices: np.ndarray
    image_shape: tuple[int, int, int]

    @property
    def count(self):
        return len(self.indices)


def keep(wanted: Wanted, storage: Storage, bad: BadImages, total_bytes: int):
    """Reads images, and keeps them where there is room.

    Args:
        wanted: Which.
        storage: How.
        bad: Gets the images that cannot be read.
        total_bytes: Of these images and all others of the data set.

    Returns:
        The images, an array or a `StoredImages`, and the positions of those that could be read.

    Raises:
        UserError: If there is no room, or an image cannot be read.
    """
    key = wanted.reader.key(wanted.indices)
    if key is None or not wanted.count:
        return _in_memory(wanted, bad)
    if storage.cache_dir is not None:
        return _cached(wanted, key, storage, bad)
    free = source.available_memory()
    if free is None or total_bytes <= _SHARE * free:
        return _in_memory(wanted, bad)
    # /tmp may be in memory; /var/tmp is on a disk.
    place = os.environ.get("TMPDIR") or ("/var/tmp" if os.access("/var/tmp", os.W_OK) else None)
    with files.temporary_folder(place) as folder:
        logging.info(
            "%s: all %.1f GB of decoded images are more than half of the %.1f GB of free memory; "
            "they are read from a temporary file in %s (--cache_dir keeps them for the next start)",
            wanted.what, total_bytes / 1e9, free / 1e9, os.path.dirname(folder),
        )  # fmt: skip
        path = pathlib.Path(folder) / "images.npy"
        try:
            positions = _write(wanted, bad, path)
            # Whatever ends this process, nothing is left: the file stays open without its name.
            return StoredImages(path), positions
        except OSError as error:
            raise UserError(f"cannot write {path}: {files.reason(error)}") from error


def _blocks(wanted, bad):
    progress = Progress(f"{wanted.what}s decoded", wanted.count)
    for positions, images in wanted.reader.blocks(wanted.indices, bad):
        yield positions, images
        progress.advance(len(positions))


def _in_memory(wanted, bad):
    """Images as one array."""
    images, kept, size = None, [], 0
    for positions, block in _blocks(wanted, bad):
        kept.append(positions)
        if len(block) == wanted.count:
            images, size = block, len(block)
            break
        if images is None:
            images = np.empty((wanted.count, *wanted.image_shape), np.uint8)
        images[size : size + len(block)] = block
        size += len(block)
    if images is None:
        return np.empty((0, *wanted.image_shape), np.uint8), np.empty(0, np.int64)
    return images[:size] if size < len(images) else images, np.concatenate(kept)


def _cached(wanted, key, storage, bad):
    """Images in a file of the folder, made if there is none."""
    folder = files.make_folder(os.path.expanduser(storage.cache_dir))
    key = f"{_VERSION} {PIL.__version__} {wanted.image_shape} {key}"
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    path, notes = folder / f"{name}.npy", folder / f"{name}.json"
    if (found := _found(path, notes, wanted)) is not None:
        images, positions, left_out = found
        for one in left_out:
            bad.add(one, UserError(f"cannot read image {one}"))
        logging.info("%s: %d decoded images in %s", wanted.what, len(images), path)
        return images, positions
    known = len(bad.names)
    with contextlib.suppress(OSError):
        notes.unlink()
    with files.whole(path) as unfinished:
        positions = _write(wanted, bad, unfinished)
    images = StoredImages(path)
    content = {
        "what": wanted.what,
        "sha256": hash_array(images),
        "left_out": bad.names[known:],
        "positions": None if len(positions) == wanted.count else positions.tolist(),
    }
    # Written last: a file of images without it is made anew.
    files.write(notes, json.dumps(content))
    images.sha256 = content["sha256"]
    logging.info("%s: %d images decoded into %s", wanted.what, len(images), path)
    return images, positions


def _found(path, notes, wanted):
    """What is in the folder from before; None where that is nothing whole."""
    try:
        content = reading.read_json(notes)
        images = StoredImages(path)
        positions = content["positions"]
        positions = np.arange(wanted.count) if positions is None else np.array(positions, np.int64)
        left_out, images.sha256 = list(content["left_out"]), str(content["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fits = images.shape == (len(positions), *wanted.image_shape)
    return (images, positions, left_out) if fits else None


def _write(wanted, bad, path):
    """Decodes images into an `.npy` file; returns the positions of those that could be read."""
    needed = wanted.count * int(np.prod(wanted.image_shape, dtype=np.int64))
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise UserError(
            f"{wanted.what}: the decoded images take {needed / 1e9:,.1f} GB, but {free / 1e9:,.1f} "
            f"GB are free in {path.parent}: give another --cache_dir, a smaller --image_size or "
            "fewer images"
        )
    kept = [np.empty(0, np.int64)]
    with open(path, "wb") as file:
        length = _write_header(file, wanted.count, wanted.image_shape)
        for positions, block in _blocks(wanted, bad):
            kept.append(positions)
            file.write(np.ascontiguousarray(block).data)
        kept = np.concatenate(kept)
        file.seek(0)
        # The header has room for its first axis to grow, and so for a smaller number.
        if _write_header(file, len(kept), wanted.image_shape) != length:
            raise RuntimeError("numpy has written two headers of different lengths")
        file.flush()
        os.fsync(file.fileno())
    return kept


def _write_header(file, count, image_shape):
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *image_shape)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()
