"""The images and the labels of one part of a prepared set of TensorFlow Datasets."""

import copy
import hashlib
import os

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files, pixels
from darts_tf.datasets.source import Reader, parallel

_BATCH = 512
# Images that are decoded before they are handed on.
_TOGETHER = 256


def damaged(name, folder):
    """The error of a set whose files cannot be read."""
    return UserError(
        f"data set {name!r} in {folder} cannot be read: it is damaged or not fully copied; prepare "
        "or copy it again"
    )


class PreparedReader(Reader):
    """One part of a set, which is gone through in the stored order.

    Args:
        builder: Of TensorFlow Datasets.
        part: The name of the part.
        keys: The names of the image feature and of the label feature.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.
        folder: Where the set is prepared.

    Raises:
        UserError: If images have more than 8 bits.
    """

    def __init__(self, builder, part, keys, image_size, folder):
        self._builder, self._part, self._keys = builder, part, keys
        self._size, self._folder = image_size, folder
        self._name = builder.info.name
        feature = builder.info.features[keys[0]]
        if feature.np_dtype != np.uint8:
            raise UserError(
                f"images of data set {self._name!r} have type {np.dtype(feature.np_dtype)}: 8 bits "
                "are needed"
            )
        self._channels = 1 if feature.shape[2] == 1 else 3
        self._crop = None

    def cropped(self, share):
        other = copy.copy(self)
        other._crop = share
        return other

    def labels(self):
        """int32 `[N]`; no image is decoded."""
        found = [labels for _, labels in self._batches()]
        count = self._builder.info.splits[self._part].num_examples
        if sum(map(len, found)) != count:
            raise damaged(self._name, self._folder)
        return np.concatenate(found).astype(np.int32)

    def image_shape(self):
        """That of the first image that can be decoded."""
        if self._size is not None:
            return (*self._size, self._channels)
        error = None
        for encoded, _ in self._batches():
            for file in encoded:
                image = self._decoded(file)
                if isinstance(image, np.ndarray):
                    return image.shape
                error = error or image
        raise error

    def blocks(self, indices, bad):
        first, shape = 0, None
        for encoded, _ in self._batches():
            low, high = np.searchsorted(indices, [first, first + len(encoded)])
            files = encoded[indices[low:high] - first]
            # A few at a time: for small images a thread's turn costs as much as its work.
            for positions in np.array_split(np.arange(len(files)), -(-len(files) // _TOGETHER)):
                chunks = np.array_split(files[positions], -(-len(positions) // 64))
                decoded = parallel(lambda chunk: [self._decoded(x) for x in chunk], chunks)
                kept, images = [], []
                for position, image in zip(
                    positions, (image for chunk in decoded for image in chunk), strict=True
                ):
                    if isinstance(image, UserError):
                        number = indices[low + position]
                        bad.add(f"{self._name}, {self._part}, number {number}", image)
                        continue
                    shape = shape or image.shape
                    if image.shape != shape:
                        raise UserError(
                            f"images of data set {self._name!r} differ in size: give --image_size "
                            "to bring all to one size"
                        )
                    kept.append(low + position)
                    images.append(image)
                if kept:
                    yield np.array(kept), np.stack(images)
            first += len(encoded)

    def key(self, indices):
        found = hashlib.sha256(np.asarray(indices, "<i8").tobytes())
        place = os.path.realpath(self._folder)
        crop = "" if self._crop is None else f" {self._crop}"
        found.update(f"{self._size} {self._part}{crop} {place}\0".encode(errors="replace"))
        for file in sorted(os.listdir(self._folder)):
            state = os.stat(os.path.join(self._folder, file))
            found.update(f"{file}\0{state.st_size} {state.st_mtime_ns}\0".encode())
        return found.hexdigest()

    def _decoded(self, file):
        """uint8 `[H, W, C]`, or the error that there is instead."""
        try:
            image = image_files.decode(file, self._channels)
        except image_files.ImageError as error:
            return UserError(
                f"cannot read an image of data set {self._name!r} in {self._folder}: {error}; use "
                "another set, or let --max_bad_images be left out"
            )
        size = image.shape[:2] if self._size is None else self._size
        if self._crop is not None:
            image = pixels.middle(image, size, self._crop)
        return pixels.resize(image, size)

    def _batches(self):
        """Encoded images and labels, in the stored order."""
        import tensorflow as tf
        import tensorflow_datasets as tfds

        # By the one definition: TensorFlow's own way to decode a JPEG is up to 80 grey levels off.
        image, label = self._keys
        decoders = {image: tfds.decode.SkipDecoding()}
        data = self._builder.as_dataset(split=self._part, shuffle_files=False, decoders=decoders)
        data = data.map(lambda example: (example[image], example[label]), tf.data.AUTOTUNE)
        try:
            yield from tfds.as_numpy(data.batch(_BATCH).prefetch(2))
        except tf.errors.OpError as error:
            raise damaged(self._name, self._folder) from error
