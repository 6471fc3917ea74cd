"""A folder of archives of images, `train-0000.tar` and so on, as a data set."""

import hashlib
import io
import os
import re

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.common.progress import Progress
from darts_tf.datasets import folders, image_files, pixels, shard_files
from darts_tf.datasets.file_reader import DecodingReader
from darts_tf.datasets.source import Source

#: The file that may name the classes, a line each, the one of label 0 first.
NAMES = "classes.txt"


def find(path) -> dict[str, list[str]]:
    """Split -> its archives, sorted; nothing where a folder holds something else.

    Args:
        path: an archive, or a folder of archives: in folders named as splits are, see `folders`, or
            with such a word in their names, as in `val-0001.tar`; otherwise all are for training.

    Raises:
        UserError: only some are named as splits are.
    """
    if os.path.isfile(path):
        return {"train": [os.fspath(path)]} if shard_files.is_shard(path) else {}
    if not os.path.isdir(path):
        return {}
    splits = {split: _shards(folder) for split, folder in folders.splits_of(path).items()}
    if all(splits.values()) and "train" in splits:
        return splits
    # Beside folders of classes an archive may be what they came from.
    if folders.names_in(path):
        return {}
    found = {}
    for shard in _shards(path):
        words = re.findall("[a-z]+", os.path.basename(shard).lower())
        split = next((folders.SPLITS[word] for word in words if word in folders.SPLITS), None)
        found.setdefault(split, []).append(shard)
    if set(found) == {None}:
        return {"train": found[None]}
    if None in found:
        raise UserError(
            f"{found[None][0]} does not say what it is for, as others in {path} do: give its name "
            "a word train, val or test"
        )
    if found and "train" not in found:
        raise UserError(f"{path} has no archive with the word train in its name")
    return found


def _shards(folder) -> list[str]:
    with os.scandir(folder) as entries:
        names = [x.name for x in entries if x.is_file() and shard_files.is_shard(x.name)]
    return [os.path.join(folder, name) for name in sorted(names) if name[0] != "."]


def shard_source(path, found, image_size, bad, features) -> Source:
    """Looks at every image of some archives.

    Classes are whole numbers or texts. They are named by `classes.txt` in the folder, whose first
    line is that of the number 0, or else as they are.

    Args:
        path: that they were found in.
        found: what `find` returned.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.
        bad: a `BadImages`, which gets those that are no images, or have no class.
        features: a `shard_files.Features`.

    Raises:
        UserError: an archive is damaged, or images cannot be used.
    """
    looks = {split: _Look(shards, features, bad) for split, shards in found.items()}
    train = looks["train"]
    if not train.labels:
        raise UserError(f"{found['train'][0]} and the others hold no image that can be used")
    shape = _common_shape(path, looks.values(), image_size)
    largest = max(look.largest for look in looks.values())
    bit_depth = image_files.bits_for(largest) if largest else None
    classes = _sorted(path, set(train.labels))
    numbers = {label: number for number, label in enumerate(classes)}
    labels, readers = {}, {}
    for split, look in looks.items():
        unknown = [label for label in look.labels if label not in numbers]
        if unknown:
            raise UserError(
                f"{found[split][0]} and the others of {split} have the class {unknown[0]!r}, which "
                "no training image has: remove those images or add training images"
            )
        labels[split] = np.array([numbers[label] for label in look.labels], np.int32)
        places = np.array(look.places, np.int64)
        readers[split] = ShardReader(found[split], places, features, (shape, bit_depth))
    return Source(
        name=re.split(r"\.", os.path.basename(os.path.abspath(path)))[0],
        class_names=_named(path, classes),
        image_shape=shape,
        photos=False,
        train_labels=labels["train"],
        read_train=readers["train"],
        test_labels=labels.get("test"),
        read_test=readers.get("test"),
        bit_depth=bit_depth,
        validation_labels=labels.get("validation"),
        read_validation=readers.get("validation"),
    )


class _Look:
    """What is known of the images of a split before they are decoded."""

    def __init__(self, shards, features, bad):
        self.labels, self.places, self.sizes = [], [], {}
        self.grey, self.largest = True, 0
        progress, place = Progress("archives looked at", len(shards)), 0
        for shard in shards:
            for sample in shard_files.samples(shard, features):
                try:
                    self._add(sample, place)
                except UserError as error:
                    bad.add(sample.name, error)
                place += 1
            progress.advance(1)

    def _add(self, sample, place) -> None:
        header = _told(sample, lambda: image_files.header(io.BytesIO(sample.encoded)))
        if header.deep:
            value = _told(sample, lambda: image_files.largest_value(sample.encoded))
            self.largest = max(self.largest, value)
        self.sizes.setdefault(header.upright_size, sample.name)
        self.grey = self.grey and header.grey
        self.labels.append(sample.label)
        self.places.append(place)


def _told(sample, function):
    """What a function of the image returns; its errors name the sample."""
    if sample.error:
        raise UserError(f"cannot use {sample.name}: {sample.error}")
    try:
        return function()
    except image_files.ImageError as error:
        raise UserError(f"cannot read image {sample.name}: {error}") from error


def _common_shape(path, looks, image_size):
    sizes = {size: name for look in looks for size, name in look.sizes.items()}
    if image_size is None and len(sizes) > 1:
        first, second, *_ = ((name, size) for size, name in sizes.items())
        pixels.refuse_sizes(first, second)
    size = image_size or next(iter(sizes))
    pixels.check_sides(size, os.fspath(path))
    return (*size, 1 if all(look.grey for look in looks) else 3)


def _sorted(path, labels) -> list:
    kinds = {type(label) for label in labels}
    if len(kinds) > 1:
        raise UserError(f"{path}: some classes are numbers and others are names: use one kind")
    return sorted(labels)


def _named(path, classes) -> tuple[str, ...]:
    """The names of classes."""
    file = os.path.join(path, NAMES)
    if not os.path.isfile(file) or isinstance(classes[0], str):
        return tuple(map(str, classes))
    with open(file, encoding="utf-8", errors="replace") as lines:
        names = [line.strip() for line in lines]
    if classes[0] < 0 or classes[-1] >= len(names):
        raise UserError(
            f"{file} has {len(names)} lines, and there are classes from {classes[0]} to "
            f"{classes[-1]}: give a name a line, that of class 0 first"
        )
    return tuple(names[label] for label in classes)


class ShardReader(DecodingReader):
    """The images of some archives, which are gone through from the first to the last.

    Args:
        shards: paths.
        places: the numbers of the images among all samples of the archives, rising, `[N]`.
        features: a `shard_files.Features`.
        options: of `image_files.read`: image shape, bit depth.
    """

    def __init__(self, shards, places, features, options):
        super().__init__(options)
        self._shards, self._places, self._features = shards, places, features

    def blocks(self, indices, bad):
        waiting = []
        for position, sample in self._chosen(self._places[indices]):
            waiting.append((position, sample))
            if len(waiting) == self.step:
                yield from self._block(waiting, bad)
                waiting = []
        yield from self._block(waiting, bad)

    def _chosen(self, places):
        """Positions in `places`, and the samples there."""
        place = position = 0
        for shard in self._shards:
            for sample in shard_files.samples(shard, self._features):
                if position == len(places):
                    return
                if place == places[position]:
                    yield position, sample
                    position += 1
                place += 1
        if position < len(places):
            raise UserError(f"{self._shards[-1]} or another archive was changed while it was read")

    def _block(self, waiting, bad):
        samples = [sample for _, sample in waiting]
        names = [sample.name for sample in samples]
        for kept, images in self.decoded(self._read, names, samples, bad):
            yield np.array([position for position, _ in waiting])[kept], images

    def _read(self, sample):
        try:
            return _told(sample, lambda: image_files.read(sample.encoded, *self._options))
        except UserError as error:
            return error

    def key(self, indices):
        found = hashlib.sha256(f"{self._options}{self._features}".encode())
        found.update(self._places[indices].astype("<i8").tobytes())
        for shard in self._shards:
            state, place = os.stat(shard), os.path.realpath(shard)
            text = f"{place}\0{state.st_size} {state.st_mtime_ns}\0"
            found.update(text.encode(errors="replace"))
        return found.hexdigest()
