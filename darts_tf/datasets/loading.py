"""From a name, a path or arrays to an `ImageData`."""

import os

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import (
    arrays,
    folders,
    labelled_folders,
    pixels,
    shard_files,
    shards,
    tfds_sets,
)
from darts_tf.datasets.assembly import assemble
from darts_tf.datasets.shard_files import Features
from darts_tf.datasets.source import CLASSES, KINDS, ArrayReader, Source
from darts_tf.datasets.storage import BadImages, Storage


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
    labels=CLASSES,
    label_columns=None,
    evaluation_crop=None,
    features=None,
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
            * a folder of archives, `FOLDER/train-0000.tar` as WebDataset has them or
              `FOLDER/train.tfrecord`, or one of these; see `darts_tf.datasets.shards`;
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
        labels: The kind of them, see `ImageData`: one class each; with `"labels"` any of several,
            or with `"numbers"` those, which a folder has in `labels.csv`; see
            `darts_tf.datasets.labelled_folders`. Then parts are stratified as `splits.strata` says.
        label_columns: The names of that file's columns that are used. By default all.
        evaluation_crop: What share is seen of test images and those of a validation part, whose
            middle is cut out with the proportions of `image_size`; see `pixels.middle`. Usual for
            photos are 0.875. By default all of an image is seen, whatever its proportions are.
        features: A `shard_files.Features`, the names of image and label in the examples of
            TFRecord files. By default those of ImageNet's. Others are refused where there are no
            such files.

    Returns:
        An `ImageData`. `mean` and `std` are those of the training images that were kept, except
        for `"cifar10"`, which has published ones. `flip` and `cutout` are true for known sets of
        photos of TensorFlow Datasets only, never for a folder or a file of your own.

    Raises:
        UserError: If the data cannot be found, read or used.
    """
    size = pixels.parse_image_size(image_size)
    if evaluation_crop is not None and not 0 < evaluation_crop <= 1:
        raise UserError(
            f"the evaluation crop is {evaluation_crop}: give a share above 0 up to 1, such as 0.875"
        )
    storage = storage or Storage()
    bad = BadImages(storage.max_bad_images)
    features = features or Features()
    found = _archives(os.fspath(name_or_path), data_dir) if labels == CLASSES else None
    if features != Features() and not (found and shard_files.has_records(found[1])):
        raise UserError(
            f"data set {name_or_path} has no TFRecord file, in which the image is named "
            f"{features.image!r} and its class {features.label!r}: leave these names out"
        )
    if found:
        source = shards.shard_source(*found, size, bad, features)
    elif labels == CLASSES:
        source = _find(os.fspath(name_or_path), data_dir, size, download, bad)
    else:
        source = _with_table(os.fspath(name_or_path), labels, size, bad, label_columns)
    examples = (train_examples, validation_examples)
    return assemble(source, examples, seed, storage, bad, evaluation_crop)


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
    return assemble(source, (train_examples, None), seed, Storage(), BadImages())


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


def _archives(name, data_dir):
    """The path and the archives of a data set of such, None for another one."""
    path = os.path.expanduser(name)
    if not os.path.exists(path) or name == "digits":
        return None
    plain = os.path.isdir(path) and not os.path.isabs(path) and name[0] != "."
    if plain and tfds_sets.directory(
        name, os.path.expanduser(data_dir or tfds_sets.default_data_dir())
    ):
        return None
    try:
        found = shards.find(path)
    except PermissionError as error:
        raise UserError(f"cannot read {error.filename}: permission denied") from error
    return (path, found) if found else None


def _with_table(name, kind, image_size, bad, columns):
    """The `Source` of images of which a file says what is known."""
    if kind not in KINDS:
        raise UserError(f"labels={kind!r}: expected one of {', '.join(KINDS)}")
    path = os.path.expanduser(name)
    if not os.path.isdir(path) and not (os.path.isfile(path) and path.lower().endswith(".csv")):
        raise UserError(
            f"data set {name} is neither a folder nor a .csv file: {kind} are read from a folder "
            "of images with labels.csv, or from that file"
        )
    try:
        return labelled_folders.labelled_source(path, kind, image_size, bad, columns)
    except PermissionError as error:
        raise UserError(f"cannot read {error.filename}: permission denied") from error


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
