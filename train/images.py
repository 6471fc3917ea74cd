"""The images of a classification."""

import dataclasses
from typing import ClassVar, NamedTuple

import train.startup  # noqa: F401  TensorFlow is first imported here

import numpy as np

from darts_tf import datasets, genotypes, macros, spaces
from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint
from darts_tf.datasets.shard_files import Features
from train import search_parts
from train.image_flags import sides
from train.task_data import TaskData

# From how many pixels of the shorter side on photos are cut and resized, as those of ImageNet.
_LARGE = 64
# As in DARTS' code for ImageNet, and Keras' own strength of RandAugment.
_LEAST_AREA, _COLOR, _RAND_AUGMENT = 0.08, 0.4, 0.5


class Part(NamedTuple):
    """Some of the images.

    Attributes:
        images: `[N, height, width, channels]`.
        labels: integers `[N]`, or of other tasks `[N, K]`.
    """

    images: np.ndarray
    labels: np.ndarray


class Images(TaskData):
    """Images, whose batches are `(images, labels)`, in training perhaps with weights.

    Args:
        config: as `load` returns it; with `cutout` where the program cuts squares out.
        data: the images.
    """

    _features = ("image_feature", "label_feature")
    reading = ("data_dir", "train_examples", "image_size", "flip", "crop", "augment", *_features)
    also_taken = ("cache_dir", "max_bad_images", "stem")
    flags = (*reading, "class_weights", "sampling", *also_taken)
    kinds = ("convolutional",)
    labels: ClassVar[str] = "classes"

    def __init__(self, config, data: datasets.ImageData):
        self._config = config
        self._data = data
        self.stem = "cifar" if config.stem == "auto" else config.stem
        self.name = data.name
        self.input_shape, self.num_classes = data.image_shape, data.num_classes
        self.training = Part(data.train_images, data.train_labels)
        self.test = Part(data.test_images, data.test_labels)
        if data.validation_labels is not None:
            self.validation = Part(data.validation_images, data.validation_labels)
        self._class_weights = None
        self._describe_labels()
        cutout = "cutout" in config.names() and config.cutout
        self.augmentation = _augmentation(config, datasets.Augmentation.suited_to(data, cutout))

    def _describe_labels(self) -> None:
        """Takes what is known of the classes."""
        data = self._data
        self.class_names = data.class_names
        if self._config.class_weights == "balanced":
            self._class_weights = datasets.balanced_weights(data.train_labels, data.num_classes)

    @classmethod
    def load(cls, config):
        if config.sampling == "balanced" and config.class_weights == "balanced":
            raise UserError(
                "--sampling=balanced and --class_weights=balanced both make all classes count the "
                "same, and together small ones count more than large ones: give one of them"
            )
        config, (training, others) = search_parts.settle(config)
        crop = config.evaluation_crop if "evaluation_crop" in config.names() else None
        data = datasets.load(
            config.dataset,
            data_dir=config.data_dir,
            train_examples=training,
            image_size=sides(config.image_size),
            seed=config.seed,
            validation_examples=others,
            storage=datasets.Storage(config.cache_dir, config.max_bad_images),
            labels=cls.labels,
            label_columns=config.label_columns,
            evaluation_crop=crop,
            features=Features(config.image_feature, config.label_feature),
        )
        validation = ""
        if data.validation_labels is not None:
            validation = f", {len(data.validation_labels)} validation"
            portions = [x for x in ("train_portion", "validation_portion") if x in config.names()]
            config.refuse_given(portions, f"has no meaning: {data.name} has a validation part")
        suited = {"flip": data.flip, "cutout": data.cutout}
        unset = {k: v for k, v in suited.items() if getattr(config, k, v) is None}
        config = dataclasses.replace(config, **unset)
        data = dataclasses.replace(data, flip=config.flip)
        config = dataclasses.replace(
            config,
            stem=_stem(config, data.image_shape),
            augment=_augment(config, data.image_shape),
        )
        height, width, channels = data.image_shape
        print(
            f"data: {data.name}, {len(data.train_labels)} training{validation} and "
            f"{len(data.test_labels)} test images of {height}x{width}x{channels}, "
            f"{data.num_classes} {cls.labels}" + _place(data, config),
            flush=True,
        )
        return config, cls(config, data)

    @property
    def image_data(self) -> datasets.ImageData:
        """The images themselves, mirrored in training if the flags say so."""
        return self._data

    @property
    def class_weights(self) -> np.ndarray | None:
        """What an example of each class counts, `[num_classes]`; None where all count the same."""
        return self._class_weights

    def macro(self, space):
        return (
            None if self.stem == "cifar" else macros.with_stem(spaces.get(space).macro, self.stem)
        )

    def split(self, part, share, seed):
        return tuple(Part(*half) for half in datasets.split(*part, share, seed))

    def size(self, part):
        return len(part.labels)

    def stream(self, part, batch_size, seed):
        def batches(epoch):
            data = datasets.batches(
                *part,
                batch_size,
                mean=self._data.mean,
                std=self._data.std,
                augmentation=self.augmentation,
                shuffle="balanced" if self._config.sampling == "balanced" else True,
                seed=seed,
                epoch=epoch,
                drop_remainder=True,
            )
            weights = self._class_weights
            return data if weights is None else datasets.with_class_weights(data, weights)

        return batches

    def in_order(self, part, batch_size=None):
        return datasets.batches(
            *part,
            batch_size or min(256, len(part.labels)),
            mean=self._data.mean,
            std=self._data.std,
            drop_remainder=batch_size is not None,
        )

    def description(self, trains):
        description = self._data.description()
        return description | ({"augmentation": self.augmentation.description()} if trains else {})

    def difference(self, before, now):
        return fingerprint.difference(before, now)

    def read_description(self, path):
        return datasets.load_description(path)

    def training_line(self):
        chosen = {"flip": self.augmentation.flip}
        if self.augmentation.resized_crop:
            return (
                f"training images: {self.augmentation} (change that with --augment and "
                f"--{'no' if self.augmentation.flip else ''}flip); all are normalised"
            )
        # Images of less than 8 pixels are not shifted anyway.
        if self.augmentation.crop_padding or not self._config.crop:
            chosen = {"crop": self._config.crop, **chosen}
        if "cutout" in self._config.names():
            chosen["cutout"] = self.augmentation.cutout > 0
        others = ", ".join(f"--{'no' if on else ''}{name}" for name, on in chosen.items())
        return (
            f"training images: {self.augmentation} (change that with {others}); all are normalised"
        )


def _augment(config, shape) -> str:
    """The changes of a configuration; by the size and the kind of images if not chosen."""
    if config.augment != "auto":
        if not config.crop and config.augment.startswith("resized_crop"):
            raise UserError("--nocrop contradicts --augment=resized_crop, which is a crop")
        return config.augment
    large = config.flip and config.crop and min(shape[:2]) >= _LARGE
    return "resized_crop" if large and "crop" not in config.given else "shift"


def _augmentation(config, suited) -> datasets.Augmentation:
    """The augmentation of a configuration.

    Args:
        config: as `Images.load` returns it; "auto" where nothing has chosen.
        suited: that of small images.
    """
    changes = config.augment.split(",")
    shifts = config.crop and (config.augment == "auto" or "shift" in changes)
    return dataclasses.replace(
        suited,
        crop_padding=suited.crop_padding if shifts else 0,
        resized_crop=_LEAST_AREA if "resized_crop" in changes else 0.0,
        color=_COLOR if "color" in changes else 0.0,
        rand_augment=_RAND_AUGMENT if "rand_augment" in changes else 0.0,
    )


def _stem(config, shape) -> str:
    """The stem of a configuration; by the size of images if it is to be chosen."""
    if config.stem != "auto":
        return config.stem
    names, space = config.names(), None
    if "genotype" in names and config.genotype:
        space = genotypes.get(config.genotype).search_space
    elif "space" in names:
        space = spaces.get(config.space)
    return "cifar" if space is None else macros.suited_stem(macros.get(space.macro), shape)


def _place(data, config) -> str:
    """Where decoded images are that are not in memory, and how many could not be decoded."""
    found = ""
    if isinstance(data.train_images, datasets.StoredImages):
        size = data.train_images.nbytes / len(data.train_labels) / 1e9
        count = sum(
            map(
                len,
                (
                    data.train_labels,
                    data.test_labels,
                    () if data.validation_labels is None else data.validation_labels,
                ),
            )
        )
        place = config.cache_dir or "a temporary file, being more than half of the free memory"
        found = f"; {size * count:,.1f} GB decoded in {place}"
    return found + (f"; {len(data.left_out)} left out" if data.left_out else "")
