"""The flags about data that several programs share."""

import dataclasses

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import datasets

DATASET = flags.DEFINE_string(
    "dataset",
    "digits",
    "The images: digits (built in), a name of TensorFlow Datasets (such as cifar10, with "
    "--data_dir), a folder with a sub-folder for every class, or an .npz file.",
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where TensorFlow Datasets keeps its prepared data sets."
)
TRAIN_EXAMPLES = flags.DEFINE_integer(
    "train_examples", None, "Use only so many training images, all classes in proportion."
)
IMAGE_SIZE = flags.DEFINE_integer(
    "image_size", None, "Resize all images to this many pixels in height and width."
)
FLIP = flags.DEFINE_bool(
    "flip",
    None,
    "Mirror half of the training images; by default what suits the data (not for digits).",
)
SEED = flags.DEFINE_integer(
    "seed", 0, "Fixes all random choices: the same seed gives the same result.", lower_bound=0
)


def load() -> datasets.ImageData:
    """Loads the data set that the flags describe, and says in a line what it is.

    Raises:
        UserError: it cannot be found, read or used.
    """
    data = datasets.load(
        DATASET.value,
        data_dir=DATA_DIR.value,
        train_examples=TRAIN_EXAMPLES.value,
        image_size=IMAGE_SIZE.value,
        seed=SEED.value,
    )
    if FLIP.value is not None:
        data = dataclasses.replace(data, flip=FLIP.value)
    height, width, channels = data.image_shape
    print(
        f"data: {data.name}, {len(data.train_labels)} training and {len(data.test_labels)} test "
        f"images of {height}x{width}x{channels}, {data.num_classes} classes",
        flush=True,
    )
    return data


def config() -> dict:
    """The settings of these flags that decide a result."""
    return {
        flag.name: flag.value
        for flag in (DATASET, DATA_DIR, TRAIN_EXAMPLES, IMAGE_SIZE, FLIP, SEED)
    }
