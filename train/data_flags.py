"""The flags about data that several programs share."""

import dataclasses

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import datasets
from darts_tf.common.errors import UserError

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
    "Mirror half of the training images. By default only for known sets of photos, such as "
    "cifar10, never for images of your own: a mirrored digit, letter or arrow is another one.",
)
CROP = flags.DEFINE_bool(
    "crop",
    True,
    "Shift every training image by up to an eighth of its size, with black at the border.",
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
    if FLIP.value is None:
        flags.FLAGS[FLIP.name].value = data.flip
    data = dataclasses.replace(data, flip=FLIP.value)
    height, width, channels = data.image_shape
    print(
        f"data: {data.name}, {len(data.train_labels)} training and {len(data.test_labels)} test "
        f"images of {height}x{width}x{channels}, {data.num_classes} classes",
        flush=True,
    )
    return data


def refuse_augmentation(where: str) -> None:
    """Refuses the flags that change training images, where nothing is trained.

    Args:
        where: the program or the method, for the message.

    Raises:
        UserError: names the flag.
    """
    for flag in (FLIP, CROP):
        if flag.present:
            raise UserError(f"--{flag.name} has no meaning for {where}, which trains nothing")


def augmentation(data: datasets.ImageData, cutout: bool = False) -> datasets.Augmentation:
    """What is done to training images.

    Args:
        data: from `load`.
        cutout: whether squares are cut out.
    """
    suited = datasets.Augmentation.suited_to(data, cutout)
    return suited if CROP.value else dataclasses.replace(suited, crop_padding=0)


def augmentation_line(augmentation: datasets.Augmentation) -> str:
    """Says what is done to training images, and with which flags something else is."""
    chosen = {"flip": augmentation.flip}
    # Images of less than 8 pixels are not shifted anyway.
    if augmentation.crop_padding or not CROP.value:
        chosen = {"crop": CROP.value, **chosen}
    if "cutout" in flags.FLAGS:
        chosen["cutout"] = augmentation.cutout > 0
    others = ", ".join(f"--{'no' if on else ''}{name}" for name, on in chosen.items())
    return f"training images: {augmentation} (change that with {others}); all are normalised"


def config() -> dict:
    """The settings of these flags that decide a result, once the data are loaded."""
    return {
        flag.name: flag.value
        for flag in (DATASET, DATA_DIR, TRAIN_EXAMPLES, IMAGE_SIZE, FLIP, CROP, SEED)
    }
