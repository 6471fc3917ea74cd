"""Images in a file, which are read when they are asked for."""

import os

import numpy as np

# Bytes that are read at once when all are gone through.
_BLOCK = 2**24


class StoredImages:
    """Images of one size in an `.npy` file, of which memory holds only those that are in use.

    It stands for a uint8 array of shape `[N, H, W, C]` where rows are taken from that. Rows are
    read with `pread`, in place of a mapping of the file into memory, because the pages of a mapping
    count as the process' own until the system takes them back.

    Args:
        path: Of the file. It may be removed once this object is made, on systems that let it.
        rows: Which images of the file, int64 `[N]`; None for all.

    Raises:
        OSError: If the file cannot be opened.
        ValueError: If it holds no uint8 images, or fewer bytes than it says.
    """

    #: What `fingerprint.hash_array` finds, once it is known.
    sha256 = None
    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, path, rows=None):
        self._file = _File(path)
        self._rows = np.arange(self._file.count) if rows is None else np.asarray(rows)

    @property
    def shape(self):
        return (len(self._rows), *self._file.image_shape)

    @property
    def nbytes(self):
        """Of all images, in the file."""
        return len(self) * self._file.image_bytes

    def __len__(self):
        return len(self._rows)

    def select(self, rows):
        """The images of some rows, which are still in the file.

        Args:
            rows: Positions, as an array of integers.

        Returns:
            A `StoredImages`.
        """
        other = object.__new__(type(self))
        other._file, other._rows = self._file, self._rows[rows]
        return other

    def __getitem__(self, key):
        """Reads rows: `key` is a position, a slice, or an array of positions or truths."""
        rows = self._rows[key]
        return self._file.read(rows) if np.ndim(rows) else self._file.read(rows[np.newaxis])[0]

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("images in a file have to be copied to become an array")
        return np.asarray(self._file.read(self._rows), dtype)

    def blocks(self):
        """Reads all, some at a time: yields uint8 arrays `[n, H, W, C]` in order."""
        step = max(1, _BLOCK // self._file.image_bytes)
        for start in range(0, len(self), step):
            yield self[start : start + step]


class _File:
    """An open file with images, closed when nothing refers to it."""

    def __init__(self, path):
        with open(path, "rb") as file:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            self._start = file.tell()
        if dtype != np.uint8 or len(shape) != 4 or fortran:
            raise ValueError(f"it holds {dtype} of shape {list(shape)}")
        self.count, self.image_shape = shape[0], tuple(shape[1:])
        self.image_bytes = int(np.prod(self.image_shape, dtype=np.int64))
        self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        if os.fstat(self._handle).st_size != self._start + self.count * self.image_bytes:
            raise ValueError("it is cut off")

    def __del__(self):
        if hasattr(self, "_handle"):
            os.close(self._handle)

    def read(self, rows):
        images = np.empty((len(rows), *self.image_shape), np.uint8)
        # Rows that follow each other are read together.
        ends = np.append(np.flatnonzero(np.diff(rows) != 1) + 1, len(rows)) if len(rows) else []
        start = 0
        for end in ends:
            self._fill(images[start:end], int(rows[start]))
            start = end
        return images

    def _fill(self, images, row):
        left, place = memoryview(images.reshape(-1)), self._start + row * self.image_bytes
        while left:
            done = os.preadv(self._handle, [left], place)
            if not done:
                raise OSError("the file of decoded images has become shorter while it was read")
            left, place = left[done:], place + done
