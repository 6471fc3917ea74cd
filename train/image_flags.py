"""The flags of images: which are used, and what is done to them."""

import dataclasses

import train.startup  # noqa: F401  TensorFlow is first imported here

from absl import flags

from darts_tf import macros
from train import fields
from train.config import Config
from train.limits import GREATEST

GREATEST_SIZE = GREATEST["image_size"]
_CHANGES = ("shift", "resized_crop", "color", "rand_augment")


class _ImageSize(flags.ArgumentParser):
    """A whole number, or the text of two that differ."""

    syntactic_help = "a number of pixels, or a height and a width: H,W"

    def parse(self, argument):
        try:
            sides = [int(side) for side in str(argument).split(",")]
        except ValueError:
            sides = []
        if len(sides) not in (1, 2):
            raise ValueError(f"expected {self.syntactic_help}")
        # What is too small is refused where all sizes are, whatever they come from.
        if max(sides) > GREATEST_SIZE:
            raise ValueError(f"expected at most {GREATEST_SIZE} pixels")
        return sides[0] if len(set(sides)) == 1 else f"{sides[0]},{sides[1]}"


class _Changes(flags.ArgumentParser):
    """Words of `_CHANGES`, as a text, in that order; or auto."""

    syntactic_help = f"auto, or some of {', '.join(_CHANGES)}"

    def parse(self, argument):
        words = [word.strip() for word in str(argument).split(",")]
        if words == ["auto"]:
            return "auto"
        wrong = [word for word in words if word not in _CHANGES]
        if wrong or len(set(words)) < len(words):
            raise ValueError(f"expected {self.syntactic_help}")
        if {"shift", "resized_crop"} <= set(words):
            raise ValueError("expected one of shift and resized_crop")
        return ",".join(word for word in _CHANGES if word in words)


def sides(image_size: int | str | None):
    """`--image_size` as `darts_tf.datasets.load` takes it."""
    return tuple(map(int, image_size.split(","))) if isinstance(image_size, str) else image_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageConfig(Config):
    """Which images are used, and what is done to them."""

    data_dir: str | None = fields.text(
        None, "Where TensorFlow Datasets keeps its prepared data sets."
    )
    train_examples: int | None = fields.integer(
        None, "Use only so many training images, all classes in proportion."
    )
    image_size: int | str | None = fields.parsed_by(
        _ImageSize(),
        None,
        "Resize all images to this many pixels in height and width, or to a height and a width, "
        "such as 96,128.",
    )
    cache_dir: str | None = fields.text(
        None,
        "A folder for the decoded images of a folder or of a set of TensorFlow Datasets, from "
        "which batches are read and which other runs use too. By default they are in memory, or in "
        "a temporary file where they take more than half of what is free.",
    )
    max_bad_images: int = fields.integer(
        0, "How many image files that cannot be read may be left out.", lower_bound=0
    )
    flip: bool | None = fields.switch(
        None,
        "Mirror half of the training images. By default only for known sets of photos, such as "
        "cifar10, never for images of your own: a mirrored digit, letter or arrow is another one.",
    )
    crop: bool = fields.switch(
        True,
        "Shift every training image by up to an eighth of its size, with black at the border. "
        "--nocrop goes before the shift of --augment.",
    )
    augment: str = fields.parsed_by(
        _Changes(),
        "auto",
        "Changes to training images besides --flip and --cutout: shift, by up to an eighth of "
        "the size, or resized_crop, a rectangle of 8 % to 100 % of the area; and color and "
        "rand_augment; several with a comma. auto: resized_crop for photos (--flip) of at least "
        "64 pixels, else shift.",
    )
    stem: str = fields.choice(
        "auto",
        ["auto", *macros.IMAGE_STEMS],
        "What stands before the first cell: cifar keeps the image's size, space_to_depth divides "
        "it by 4, imagenet by 8. auto: by the shorter side, cifar below 64 pixels, imagenet from "
        "128 on.",
    )
    class_weights: str = fields.choice(
        "none",
        ["none", "balanced"],
        "balanced: every class counts the same in the loss and the metrics of a training, however "
        "many examples it has; a test has the recall of every class where they are unequal.",
    )
    sampling: str = fields.choice(
        "all",
        ["all", "balanced"],
        "Which images an epoch has: all, each once, or balanced: as many, all classes equally "
        "often, so that those of small classes come several times; in place of --class_weights.",
    )
    image_feature: str = fields.text(
        "image/encoded", "The name of the image in the examples of TFRecord files."
    )
    label_feature: str = fields.text(
        "image/class/label", "The name of the class in the examples of TFRecord files."
    )
    label_columns: tuple[str, ...] | None = fields.words(
        None,
        "The columns of labels.csv that are learned, for the tasks multi_label_classification and "
        "image_regression; by default all but that of the file's name and split.",
    )
