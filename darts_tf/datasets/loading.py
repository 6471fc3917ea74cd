"""From a name, a path or arrays to an `ImageData`."""

import math
import os

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.datasets import arrays, folders, pixels, splits, tfds_sets
from darts_tf.datasets.image_data import ImageData
from darts_tf.datasets.source import ArrayReader, Source, check_memory
from darts_tf.datasets.storage import BadImages, Storage, Wanted, keep


def load(
    name_or_path,
    data_dir=None,
    train_examples=None,
    image_size=None,
    seed=0,
    download=False,
    *,
    validation_examples=None,
    storage=None,
):
    """Reads a data set of images with one label each, into memory or into a file.

    Where a set has no test part, a fixed fifth of its examples, stratified, is held out as one; it
    is the same whatever the seed. Images have at least 4x4 pixels and 1 or 3 channels; an alpha
    channel is removed by laying the image over white.

    Args:
        name_or_path: One of

            * `"digits"`: scikit-learn's 1,797 grey 8x8 digits, which need no file and no network;
            * a name of TensorFlow Datasets (`"cifar10"`, `"emnist/letters"`, `"svhn_cropped"`)
              that is prepared in `data_dir`;
            * a folder `FOLDER/class/*.png` (or jpg, tif and whatever else Pillow reads), or one
              of `FOLDER/train/class/*.png`, perhaps `FOLDER/val/class/*.png` and
              `FOLDER/test/class/*.png`; see `darts_tf.datasets.folders`;
            * an `.npz` file with `x_train` and `y_train`, and perhaps `x_val`, `y_val`, `x_test`,
              `y_test` and `class_names`; see `from_arrays`.

            Where a name is prepared in `data_dir` and a folder has the same name, the prepared set
            is taken; write `./cifar10` for the folder.
        data_dir: Folder of TensorFlow Datasets, by default `$TFDS_DATA_DIR` or
            `~/tensorflow_datasets`.
        train_examples: How many training examples to keep, every class in proportion. By default
            all. The test part is never reduced.
        image_size: Height and width to resize to, one integer for both; the aspect ratio is not
            kept. By default images keep their size, which must be the same for all.
        seed: Decides which `train_examples` are kept.
        download: Whether a set of TensorFlow Datasets that is missing may be fetched over the
            network. Without it the network is never used.
        validation_examples: How many examples to keep besides, every class in proportion: of the
            validation part where there is one, else `train_examples` more of the training part,
            which `split` parts from them. A fraction between 0 and 1 is a share of that part, and
            so it is for `train_examples`. By default all.
        storage: A `Storage`, which says where decoded images are kept, and how many files may be
            left out because they cannot be read. By default in memory, or in a temporary file where
            they take more than half of what is free; none may be left out.

    Returns:
        An `ImageData`. `mean` and `std` are those of the training images that were kept, except
        for `"cifar10"`, which has published ones. `flip` and `cutout` are true for known sets of
        photos of TensorFlow Datasets only, never for a folder or a file of your own.

    Raises:
        UserError: If the data cannot be found, read or used.
    """
    size = pixels.parse_image_size(image_size)
    storage = storage or Storage()
    bad = BadImages(storage.max_bad_images)
    source = _find(os.fspath(name_or_path), data_dir, size, download, bad)
    return _assemble(source, (train_examples, validation_examples), seed, storage, bad)


def from_arrays(
    x_train,
    y_train,
    x_test=None,
    y_test=None,
    class_names=None,
    *,
    name="arrays",
    train_examples=None,
    image_size=None,
    seed=0,
    x_val=None,
    y_val=None,
):
    """Makes an `ImageData` of arrays.

    Args:
        x_train: Images of shape `[N, H, W]` (one channel) or `[N, H, W, C]`, C being 1, 3 or 4
            (colour and alpha). uint8, floats in [0, 1], or uint16, of which as many bits count
            as the largest value in all arrays needs.
        y_train: Labels of shape `[N]` or `[N, 1]`: integers from 0 to K - 1, or text.
        x_test: Images for testing. By default a fixed fifth of the examples is held out.
        y_test: Their labels.
        class_names: K names. By default the numbers, or the texts in alphabetical order.
        name: What the data set is called.
        train_examples: As for `load`.
        image_size: As for `load`.
        seed: As for `load`.
        x_val: Images for the alphas of a search and for the curves of a training. By default a
            share of the training images, where one is needed.
        y_val: Their labels.

    Returns:
        An `ImageData`. Its `flip` and `cutout` are false: only you know whether an image that is
        mirrored, or has a square cut out, still shows its class. `dataclasses.replace(data,
        flip=True)` says so.

    Raises:
        UserError: If the arrays cannot be used.
    """
    size = pixels.parse_image_size(image_size)
    given = {
        **{"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test},
        **{"x_val": x_val, "y_val": y_val, "class_names": class_names},
    }
    source = arrays.array_source(given, name=name, image_size=size)
    return _assemble(source, (train_examples, None), seed, Storage(), BadImages())


def _find(name, data_dir, image_size, download, bad):
    """Returns the `Source` that `name` stands for."""
    if name == "digits":
        return _digits_source(image_size)
    if not name:
        raise UserError("the data set has no name: give 'digits', another name, or a path")
    path = os.path.expanduser(name)
    is_path = os.path.isabs(path) or name[0] == "." or name.lower().endswith(".npz")
    if not is_path:
        data_dir = os.path.expanduser(data_dir or tfds_sets.default_data_dir())
        found = tfds_sets.directory(name, data_dir)
        if found is None and download:
            tfds_sets.download(name, data_dir)
            found = tfds_sets.directory(name, data_dir)
        if found:
            return tfds_sets.tfds_source(name, found, image_size)
        if not os.path.exists(path):
            raise tfds_sets.missing(name, data_dir)
    if os.path.isdir(path):
        try:
            return folders.folder_source(path, image_size, bad)
        except PermissionError as error:
            raise UserError(f"cannot read {error.filename}: permission denied") from error
    if not os.path.exists(path):
        raise UserError(f"data set {name} does not exist: give an existing folder or .npz file")
    if not path.lower().endswith(".npz"):
        raise UserError(f"{name} is neither a folder nor an .npz file: give one of these")
    return arrays.npz_source(path, image_size)


def _digits_source(image_size):
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.floor(digits.images * (255 / 16) + 0.5).astype(np.uint8)[..., np.newaxis]
    images = pixels.resize_all(images, image_size)
    return Source(
        name="digits",
        class_names=tuple(str(name) for name in digits.target_names),
        image_shape=images.shape[1:],
        photos=False,
        train_labels=digits.target.astype(np.int32),
        read_train=ArrayReader(images),
    )


def _check_class_names(class_names, name):
    """A class's name is a line in `labels.txt` and what an answer of the server calls it."""
    for class_name in class_names:
        if not class_name.strip() or len(class_name.splitlines()) != 1:
            raise UserError(
                f"{name} has a class named {class_name!r}: a name must be one line of text that is "
                "not empty"
            )
        try:
            class_name.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{name} has a class named {class_name!r}, which is no text in UTF-8: rename it"
            ) from error
    twice = [x for x in set(class_names) if class_names.count(x) > 1]
    if twice:
        raise UserError(f"{name} has several classes named {twice[0]!r}: give each its own name")


def _assemble(source, examples, seed, storage, bad):
    """Chooses from `source`, reads what is chosen and computes its statistics."""
    name = source.name
    pixels.check_sides(source.image_shape[:2], name)
    if source.image_shape[2] not in (1, 3):
        raise UserError(
            f"images of {name} have {source.image_shape[2]} channels: 1 or 3 are needed"
        )
    _check_class_names(source.class_names, name)
    present = len(np.unique(source.train_labels))
    if present < 2:
        raise UserError(f"{name} has a single class with examples: at least 2 are needed")
    if present < len(source.class_names):
        logging.warning(
            "%s: %d of its %d classes have no training example",
            name, len(source.class_names) - present, len(source.class_names),
        )  # fmt: skip
    if source.bit_depth is not None:
        logging.info(
            "%s has images with 16 bits a channel: %d of them are used, and become 8",
            name, source.bit_depth,
        )  # fmt: skip
    train, test = np.arange(len(source.train_labels)), None
    test_labels, read_test = source.test_labels, source.read_test
    if test_labels is None:
        train, test = splits.hold_out(source.train_labels, name, source.class_names)
        test_labels, read_test = source.train_labels, source.read_train
        logging.info(
            "%s has no test part: %d of its %d examples are held out for testing",
            name, len(test), len(source.train_labels),
        )  # fmt: skip
    else:
        test = np.arange(len(test_labels))
    validation_labels, validation = source.validation_labels, np.arange(0)
    if validation_labels is not None:
        validation = np.arange(len(validation_labels))
    train, validation = _chosen(source, train, validation, examples, seed)
    total = (len(train) + len(test) + len(validation)) * math.prod(source.image_shape)
    if isinstance(source.read_train, ArrayReader):
        check_memory(total, name)
    parts = {}
    for part, reader, indices, labels in (
        ("validation", source.read_validation, validation, validation_labels),
        ("training", source.read_train, train, source.train_labels),
        ("test", read_test, test, test_labels),
    ):
        if reader is not None:
            wanted = Wanted(f"{name}: {part} image", reader, indices, source.image_shape)
            images, kept = keep(wanted, storage, bad, total)
            parts[part] = images, labels[indices[kept]]
            _check_left(parts[part][1], labels[indices], source.class_names, f"{name}: {part}")
    train_images, train_labels = parts["training"]
    test_images, test_labels = parts["test"]
    validation_images, validation_labels = parts.get("validation", (None, None))
    mean, std = source.statistics or pixels.mean_and_std(train_images)
    return ImageData(
        name=name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        class_names=source.class_names,
        mean=mean,
        std=std,
        flip=source.photos,
        cutout=source.photos,
        version=source.version,
        bit_depth=source.bit_depth,
        validation_images=validation_images,
        validation_labels=validation_labels,
        left_out=tuple(bad.names),
    )


def _chosen(source, train, validation, examples, seed):
    """Which of the training and the validation images are kept."""
    own = len(validation)
    training, others = examples
    if training is not None:
        size = _number(training, len(train))
        if not own and others is not None:
            size += _number(others, len(train))
        train = train[splits.subset(source.train_labels[train], size, seed)]
    if own and others is not None:
        size = _number(others, own)
        validation = splits.subset(source.validation_labels, size, seed)
    return train, validation


def _number(examples, count):
    """How many of `count` examples a number or a share is."""
    return round(examples * count) if isinstance(examples, float) else examples


def _check_left(labels, before, class_names, what):
    """Refuses a class of which all images were left out."""
    if len(labels) < len(before):
        for number in np.setdiff1d(before, labels):
            raise UserError(
                f"{what}: no image of class {class_names[number]!r} can be read; replace them or "
                "remove the class"
            )
