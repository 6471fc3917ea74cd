"""Data sets that TensorFlow Datasets has prepared in a folder; never from the network by itself."""

import difflib
import os
import re

from absl import logging

from darts_tf.common.errors import UserError, reason
from darts_tf.datasets import tfds_reader
from darts_tf.datasets.source import Source

# Of DARTS' published code for CIFAR-10 (https://github.com/quark0/darts): all training pixels.
_STATISTICS = {
    "cifar10": (
        (0.49139968, 0.48215827, 0.44653124),
        (0.24703233, 0.24348505, 0.26158768),
    )
}
# Photos of things and places. A mirrored digit, letter, sign or hand is another one or none, so a
# set that is not known here is not mirrored, and nothing is cut out of its images.
_PHOTOS = (
    *("beans", "caltech101", "caltech_birds2010", "caltech_birds2011", "cars196", "cassava"),
    *("cats_vs_dogs", "cifar10", "cifar100", "cifar100_n", "cifar10_1", "cifar10_corrupted"),
    *("cifar10_h", "cifar10_n", "deep_weeds", "dtd", "eurosat", "food101", "horses_or_humans"),
    *("imagenet2012", "imagenet2012_corrupted", "imagenet2012_subset", "imagenet_a", "imagenet_r"),
    *("imagenet_resized", "imagenet_sketch", "imagenet_v2", "imagenette", "imagewang"),
    *("oxford_flowers102", "oxford_iiit_pet", "places365_small", "plant_leaves", "plant_village"),
    *("resisc45", "stanford_dogs", "stl10", "sun397", "tf_flowers", "uc_merced"),
)


def default_data_dir():
    """Where TensorFlow Datasets keeps prepared data sets unless told otherwise."""
    return os.environ.get("TFDS_DATA_DIR") or os.path.join("~", "tensorflow_datasets")


def prepared(data_dir):
    """Returns the names of the data sets that are prepared in `data_dir`, sorted."""
    try:
        names = sorted(os.listdir(data_dir))
    except OSError:
        return []
    return [name for name in names if name[0] != "." and _versions(os.path.join(data_dir, name))]


def directory(name, data_dir):
    """Returns the folder that holds `name` in `data_dir`, or None where it is not prepared.

    Args:
        name: `"set"` or `"set/config"`, either with `":1.2.3"` for one version of it. The newest
            version is the default, and so is the configuration where only one is prepared.
        data_dir: The folder that was given to TensorFlow Datasets.

    Raises:
        UserError: If several configurations are prepared and `name` doesn't choose one.
    """
    name, _, version = name.partition(":")
    found = _versions(os.path.join(data_dir, *name.split("/")))
    if version:
        found = [folder for folder in found if os.path.basename(folder) == version]
    if len({os.path.dirname(folder) for folder in found}) > 1:
        configs = sorted({os.path.basename(os.path.dirname(folder)) for folder in found})
        raise UserError(
            f"data set {name!r} is prepared in several configurations ({', '.join(configs)}): "
            f"choose one, such as {name}/{configs[0]}"
        )
    return found[-1] if found else None


def missing(name, data_dir):
    """Returns the `UserError` for a name that is not prepared in `data_dir`."""
    import tensorflow_datasets as tfds

    known = tfds.list_builders(with_community_datasets=False)
    base = re.split("[/:]", name)[0]
    have = ", ".join(prepared(data_dir)) or "nothing"
    have = have if os.path.isdir(data_dir) else "no such folder"
    if base not in known:
        close = difflib.get_close_matches(base, ["digits", *known, *prepared(data_dir)], 3)
        hint = f" (did you mean {' or '.join(close)}?)" if close else ""
        return UserError(
            f"no data set is called {name!r} and no such folder or .npz file exists{hint}: give "
            "'digits', the name of a TensorFlow Datasets set, a folder of images by class or an "
            f".npz file (prepared in {data_dir}: {have})"
        )
    return UserError(
        f"data set {name!r} is not prepared in {data_dir} (prepared there: {have}): nothing is "
        f"downloaded here; give the right --data_dir, or run tfds.load({name!r}, "
        "data_dir='FOLDER') of tensorflow_datasets on a machine with a network and copy FOLDER here"
    )


def download(name, data_dir):
    """Downloads and prepares `name` in `data_dir`, over the network.

    Raises:
        UserError: If that fails.
    """
    import tensorflow_datasets as tfds

    try:
        tfds.builder(name, data_dir=data_dir).download_and_prepare()
    except Exception as error:  # Whatever a download can end in, the user must hear of it.
        raise UserError(
            f"cannot download data set {name!r} to {data_dir}: {reason(error)}"
        ) from error


def tfds_source(name, folder, image_size):
    """Reads a prepared data set of TensorFlow Datasets.

    Its test part is `test`, or `validation` where `test` is missing or has no labels.

    Args:
        name: The data set's name.
        folder: What `directory` returned.
        image_size: `(height, width)` to resize to, or None: then all images must have one size.

    Returns:
        A `Source`.

    Raises:
        UserError: If the set is not one of images with one label each, or cannot be read.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:  # Whatever is wrong in these files, the remedy is the same.
        raise tfds_reader.damaged(name, folder) from error
    if "train" not in builder.info.splits:
        raise UserError(
            f"data set {name!r} has no part called train (it has "
            f"{', '.join(builder.info.splits) or 'none'}): it cannot be learnt from"
        )
    keys = _feature_keys(builder.info, name)
    class_names = tuple(str(value) for value in builder.info.features[keys[1]].names)
    train = tfds_reader.PreparedReader(builder, "train", keys, image_size, folder)
    train_labels = train.labels()
    if train_labels.min() < 0:
        raise UserError(f"data set {name!r} has training images without a label: use another set")
    test, test_labels = None, None
    for part in ("test", "validation"):
        if part in builder.info.splits and builder.info.splits[part].num_examples:
            test = tfds_reader.PreparedReader(builder, part, keys, image_size, folder)
            test_labels = test.labels()
            if test_labels.min() >= 0:
                logging.info("%s: tested on its part %r", name, part)
                break
            test, test_labels = None, None
    shape = train.image_shape()
    if test is not None and test.image_shape() != shape:
        raise UserError(
            f"data set {name!r} has training and test images that differ in size: give --image_size"
        )
    base = re.split("[/:]", name)[0]
    return Source(
        name=name,
        class_names=class_names,
        image_shape=shape,
        photos=base in _PHOTOS,
        train_labels=train_labels,
        read_train=train,
        test_labels=test_labels,
        read_test=test,
        statistics=_STATISTICS.get(base),
        version=str(builder.version),
    )


def _versions(folder):
    """Prepared versions in `folder` or, one level deeper, in its configurations; newest last."""
    found = []
    for base in [folder, *_subfolders(folder)]:
        for version in _subfolders(base):
            if re.fullmatch(r"\d+\.\d+\.\d+", os.path.basename(version)) and os.path.isfile(
                os.path.join(version, "dataset_info.json")
            ):
                found.append(version)
    return sorted(found, key=lambda path: [int(n) for n in os.path.basename(path).split(".")])


def _subfolders(folder):
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return []


def _feature_keys(info, name):
    """Returns the names of the image feature and of the label feature."""
    import tensorflow_datasets as tfds

    features = dict(info.features.items()) if hasattr(info.features, "items") else {}
    images = [key for key, kind in features.items() if isinstance(kind, tfds.features.Image)]
    labels = [key for key, kind in features.items() if isinstance(kind, tfds.features.ClassLabel)]
    supervised = info.supervised_keys or ()
    if len(supervised) == 2 and supervised[0] in images and supervised[1] in labels:
        return supervised
    if len(images) == 1 and len(labels) == 1:
        return images[0], labels[0]
    raise UserError(
        f"data set {name!r} has {len(images)} image and {len(labels)} class-label features "
        f"(features: {', '.join(features) or 'none'}): a set with one of each is needed"
    )
