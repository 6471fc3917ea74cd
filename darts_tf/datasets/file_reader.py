"""Images that are files of their own: a look at all of them, and their pixels when asked for."""

import copy
import hashlib
import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files, pixels
from darts_tf.datasets.source import Reader, parallel

# Bytes of decoded images that are put together.
_BLOCK = 2**25


class Look(NamedTuple):
    """The facts that all image files of a data set are brought to.

    Attributes:
        image_shape: `(H, W, C)`.
        bit_depth: how many of the 16 bits a channel are used; None where no file has 16.
        readers: split -> a `FileReader` of its files.
    """

    image_shape: tuple[int, int, int]
    bit_depth: int | None
    readers: dict


def look(folder, files, labels, image_size, bad):
    """Looks at every file's header.

    Args:
        folder: That they are in.
        files: Split -> paths; those that are no images are taken out.
        labels: Split -> one a path; likewise.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.
        bad: A `BadImages`, which gets files without a header of an image.

    Returns:
        A `Look`.

    Raises:
        UserError: If an image cannot be read, or images differ in size.
    """
    every = [file for split in files.values() for file in split]
    image_shape, deep, wrong = _common_shape(every, image_size, bad)
    if wrong:
        _leave_out(files, labels, wrong)
    bit_depth = _bit_depth(deep)
    readers = {
        split: FileReader(folder, found, image_shape, bit_depth) for split, found in files.items()
    }
    return Look(image_shape, bit_depth, readers)


def _common_shape(files, image_size, bad):
    """Looks at every file's header.

    Returns:
        The `(H, W, C)` that all images are brought to, the files with 16 bits a channel, and those
        that are no images.
    """
    grey = True
    deep, wrong = [], set()
    first = None
    for file in files:
        try:
            header = _told(file, image_files.header, file)
        except UserError as error:
            bad.add(file, error)
            wrong.add(file)
            continue
        size = header.upright_size
        grey = grey and header.grey
        if header.deep:
            deep.append(file)
        first = first or (file, size)
        if image_size is None and size != first[1]:
            pixels.refuse_sizes(first, (file, size))
    if first is None:
        raise UserError(f"none of {len(files)} image files can be read, the first is {files[0]}")
    size = image_size or first[1]
    pixels.check_sides(size, first[0])
    return (*size, 1 if grey else 3), deep, wrong


def _leave_out(files, labels, wrong):
    """Takes files out of the lists."""
    for split, found in files.items():
        kept = [position for position, file in enumerate(found) if file not in wrong]
        files[split] = [found[position] for position in kept]
        labels[split] = [labels[split][position] for position in kept]


def _bit_depth(files):
    """Returns how many of the 16 bits a channel that these files have are used, None without."""
    if not files:
        return None
    return image_files.bits_for(max(parallel(_largest_value, files)))


def _largest_value(file):
    return _told(file, lambda: image_files.largest_value(Path(file).read_bytes()))


class DecodingReader(Reader):
    """Images that are decoded when they are asked for.

    Args:
        options: Of `image_files.read`: image shape, bit depth.
    """

    def __init__(self, options):
        self._options = options

    @property
    def step(self):
        """How many images are decoded together."""
        return max(os.cpu_count(), _BLOCK // math.prod(self._options[0]))

    def cropped(self, share):
        other = copy.copy(self)
        # Upright, as without.
        other._options = (*self._options[:2], True, share)
        return other

    def decoded(self, read, names, encoded, bad):
        """The places and the pixels of images that can be read, as a list of one pair or none.

        Args:
            read: What becomes pixels or the UserError that says why not.
            names: Of the images, for `bad`.
            encoded: Images, as `read` takes them.
            bad: A `BadImages`.
        """
        found, kept = parallel(read, encoded), []
        # In their order, so that the same ones are named whichever thread was first.
        for position, (name, image) in enumerate(zip(names, found, strict=True)):
            if isinstance(image, UserError):
                bad.add(name, image)
            else:
                kept.append(position)
        return [(np.array(kept), np.stack([found[place] for place in kept]))] if kept else []


class FileReader(DecodingReader):
    """The images of some files.

    Args:
        folder: That they are in, for `key`.
        files: Their paths.
        image_shape: `(H, W, C)` that all become.
        bit_depth: As for `image_files.read`.
    """

    def __init__(self, folder, files, image_shape, bit_depth):
        super().__init__((image_shape, bit_depth))
        self._folder, self._files = folder, files

    def blocks(self, indices, bad):
        for start in range(0, len(indices), self.step):
            files = [self._files[index] for index in indices[start : start + self.step]]
            for kept, images in self.decoded(self._read, files, files, bad):
                yield start + kept, images

    def key(self, indices):
        # Files of two folders may agree in all that is looked at, such as bitmaps out of archives.
        place = os.path.realpath(self._folder)
        found = hashlib.sha256(f"{self._options}{place}\0".encode(errors="replace"))
        for index in indices:
            state = os.stat(self._files[index])
            name = os.path.relpath(self._files[index], self._folder)
            found.update(f"{name}\0{state.st_size} {state.st_mtime_ns}\0".encode(errors="replace"))
        return found.hexdigest()

    def _read(self, file):
        try:
            return _read_image(file, *self._options)
        except UserError as error:
            return error
        except PermissionError as error:
            return UserError(f"cannot read {error.filename}: permission denied")


def _read_image(file, *options):
    return _told(file, lambda: image_files.read(Path(file).read_bytes(), *options))


def _told(file, function, *args):
    """Calls a function of `image_files`; its errors name the file."""
    try:
        return function(*args)
    except image_files.ImageError as error:
        hint = "" if ":" in str(error) else "; replace or remove it"
        raise UserError(f"cannot read image {file}: {error}{hint}") from error
    except PermissionError:
        raise
    except OSError as error:
        raise UserError(f"cannot read image {file}: {error.strerror or error}") from error
