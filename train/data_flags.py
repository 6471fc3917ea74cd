"""The data, which several programs share the flags of."""

import dataclasses
from typing import TypeVar

import train.quiet  # noqa: F401  TensorFlow is first imported here

from darts_tf import datasets
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """Which data are used, and what is done to them."""

    dataset: str = fields.text(
        "digits",
        "The images: digits (built in), a name of TensorFlow Datasets (such as cifar10, with "
        "--data_dir), a folder with a sub-folder for every class, or an .npz file.",
    )
    data_dir: str | None = fields.text(
        None, "Where TensorFlow Datasets keeps its prepared data sets."
    )
    train_examples: int | None = fields.integer(
        None, "Use only so many training images, all classes in proportion."
    )
    image_size: int | None = fields.integer(
        None, "Resize all images to this many pixels in height and width."
    )
    flip: bool | None = fields.switch(
        None,
        "Mirror half of the training images. By default only for known sets of photos, such as "
        "cifar10, never for images of your own: a mirrored digit, letter or arrow is another one.",
    )
    crop: bool = fields.switch(
        True, "Shift every training image by up to an eighth of its size, with black at the border."
    )
    seed: int = fields.integer(
        0, "Fixes all random choices: the same seed gives the same result.", lower_bound=0
    )

    def decisive(self) -> dict:
        """The settings that decide a result, JSON-ready, once the data are loaded."""
        return self.values(
            ("dataset", "data_dir", "train_examples", "image_size", "flip", "crop", "seed")
        )


C = TypeVar("C", bound=DataConfig)


def load(config: C) -> tuple[C, datasets.ImageData]:
    """Loads a data set, and says in a line what it is.

    Returns:
        The configuration with what the data decide where the user did not, and the images.

    Raises:
        UserError: it cannot be found, read or used.
    """
    data = datasets.load(
        config.dataset,
        data_dir=config.data_dir,
        train_examples=config.train_examples,
        image_size=config.image_size,
        seed=config.seed,
    )
    if config.flip is None:
        config = dataclasses.replace(config, flip=data.flip)
    data = dataclasses.replace(data, flip=config.flip)
    height, width, channels = data.image_shape
    print(
        f"data: {data.name}, {len(data.train_labels)} training and {len(data.test_labels)} test "
        f"images of {height}x{width}x{channels}, {data.num_classes} classes",
        flush=True,
    )
    return config, data


def refuse_augmentation(config: DataConfig, where: str) -> None:
    """Refuses the flags that change training images, where nothing is trained.

    Args:
        config: it must not have been given them.
        where: the program or the method, for the message.

    Raises:
        UserError: names the flag.
    """
    config.refuse_given(("flip", "crop"), f"has no meaning for {where}, which trains nothing")


def augmentation(
    config: DataConfig, data: datasets.ImageData, cutout: bool = False
) -> datasets.Augmentation:
    """What is done to training images.

    Args:
        config, data: from `load`.
        cutout: whether squares are cut out.
    """
    suited = datasets.Augmentation.suited_to(data, cutout)
    return suited if config.crop else dataclasses.replace(suited, crop_padding=0)


def augmentation_line(config: DataConfig, augmentation: datasets.Augmentation) -> str:
    """Says what is done to training images, and with which flags something else is."""
    chosen = {"flip": augmentation.flip}
    # Images of less than 8 pixels are not shifted anyway.
    if augmentation.crop_padding or not config.crop:
        chosen = {"crop": config.crop, **chosen}
    if "cutout" in config.names():
        chosen["cutout"] = augmentation.cutout > 0
    others = ", ".join(f"--{'no' if on else ''}{name}" for name, on in chosen.items())
    return f"training images: {augmentation} (change that with {others}); all are normalised"
