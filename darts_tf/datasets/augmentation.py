"""Random changes to training images: crop, flip, cutout, and those of photographs."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import photo_augmentation


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random changes to training images, drawn anew for every image in every epoch.

    The defaults switch everything off. For CIFAR-10 DARTS (Liu et al., ICLR 2019,
    https://arxiv.org/abs/1806.09055) uses `crop_padding=4, flip=True`, and `cutout=16` as well
    when it trains the network that was found.

    Args:
        crop_padding: Pixels of black added on each side before a crop of the original size is cut
            out at a random place. 0 means no crop.
        flip: Whether half of the images are mirrored left-right.
        cutout: Side, in pixels, of a square that is set to the mean colour; its centre is anywhere
            in the image, so it may reach over the border (DeVries and Taylor,
            https://arxiv.org/abs/1708.04552). 0 means none.
        resized_crop: Smallest share of an image's area in a random rectangle that is cut out and
            resized to the image's size (Szegedy et al., CVPR 2015; 0.08 there). 0 means no such
            crop. It stands in place of `crop_padding`.
        color: How far brightness, contrast, saturation and hue change, see
            `photo_augmentation.changed_colors`; 0.4 in DARTS' code for ImageNet. 0 means none.
        rand_augment: How far two changes of RandAugment go, above 0 and at most 1. 0 means none.
    """

    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0
    resized_crop: float = 0.0
    color: float = 0.0
    rand_augment: float = 0.0

    def __post_init__(self):
        for name in ("crop_padding", "cutout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise UserError(f"{name} is {value!r}: give a number of pixels, 0 to switch it off")
        for name in ("resized_crop", "color", "rand_augment"):
            value = getattr(self, name)
            if isinstance(value, bool) or not 0 <= value <= 1:
                raise UserError(f"{name} is {value!r}: give a number from 0, for none, to 1")
        if self.resized_crop and self.crop_padding:
            raise UserError("resized_crop and crop_padding are both given: choose one crop")

    @classmethod
    def suited_to(cls, data, cutout=False):
        """Returns DARTS' CIFAR-10 augmentation in proportion to the size of `data`'s images.

        Args:
            data: An `ImageData`.
            cutout: Whether to cut out squares too; `data.cutout` says whether they suit the data.

        Returns:
            `crop_padding` of an eighth of the shorter side, `cutout` of half of it (4 and 16 for
            32x32), and a flip where `data.flip` allows it.
        """
        side = min(data.image_shape[:2])
        return cls(crop_padding=side // 8, flip=data.flip, cutout=side // 2 if cutout else 0)

    def description(self):
        """What `data.json` holds: all of `crop_padding`, `flip`, `cutout`, and what else is on."""
        always = ("crop_padding", "flip", "cutout")
        return {name: value for name, value in vars(self).items() if value or name in always}

    def __str__(self):
        """The changes made to a training image, in words."""
        shift, side = self.crop_padding, self.cutout
        moved = f"shifted by up to {shift} pixel{'s' * (shift > 1)}" if shift else "not shifted"
        if self.resized_crop:
            moved = f"cut to {self.resized_crop:.0%} to 100 % of their area"
        texts = [
            moved,
            "half of them mirrored" if self.flip else "not mirrored",
            f"a square of {side}x{side} cut out" if side else "nothing cut out",
            *["other colours"] * (self.color > 0),
            *["two changes of RandAugment"] * (self.rand_augment > 0),
        ]
        return ", ".join(texts)


def crop_and_flip(images, rows, columns, flipped, padding):
    """Pads with zeros, cuts one window of the original size from each image, mirrors some.

    Args:
        images: Tensor of shape `[B, H, W, C]`.
        rows: int32 `[B]`: top of each window in the padded image, from 0 to `2 * padding`.
        columns: int32 `[B]`: left side of each window in the padded image.
        flipped: Boolean `[B]`: which windows are mirrored left-right.
        padding: Pixels added on each side.

    Returns:
        A tensor of the shape and type of `images`.
    """
    height, width, channels = images.shape[1:]
    padded_height, padded_width = height + 2 * padding, width + 2 * padding
    padded = tf.pad(images, [[0, 0], [padding, padding], [padding, padding], [0, 0]])
    count = tf.shape(images)[0]
    across = tf.range(width)
    across = tf.where(flipped[:, tf.newaxis], width - 1 - across, across) + columns[:, tf.newaxis]
    down = tf.range(height) + rows[:, tf.newaxis] + (tf.range(count) * padded_height)[:, tf.newaxis]
    pixels = down[:, :, tf.newaxis] * padded_width + across[:, tf.newaxis, :]
    result = tf.gather(tf.reshape(padded, [-1, channels]), pixels)
    return tf.ensure_shape(result, images.shape)


def cutout(images, rows, columns, length):
    """Sets a square of each image to zero, the mean colour of normalised images.

    Args:
        images: Float tensor of shape `[B, H, W, C]`.
        rows: int32 `[B]`: the square reaches from `row - length // 2`, `length` pixels down.
        columns: int32 `[B]`: likewise, to the right. What lies outside the image is ignored.
        length: Side of the square, in pixels.

    Returns:
        A tensor of the shape and type of `images`.
    """
    down = tf.range(images.shape[1]) - rows[:, tf.newaxis] + length // 2
    across = tf.range(images.shape[2]) - columns[:, tf.newaxis] + length // 2
    down = (down >= 0) & (down < length)
    across = (across >= 0) & (across < length)
    inside = down[:, :, tf.newaxis] & across[:, tf.newaxis, :]
    return tf.where(inside[..., tf.newaxis], tf.zeros([], images.dtype), images)


def _photo_changes(augmentation):
    """Functions of float pixels and a seed for each image."""
    found = []
    if least := augmentation.resized_crop:
        found.append(lambda x, seeds: photo_augmentation.resized_crops(x, seeds, least))
    if strength := augmentation.color:
        found.append(lambda x, seeds: photo_augmentation.changed_colors(x, seeds, strength))
    if augmentation.rand_augment:
        found.append(photo_augmentation.RandAugment(augmentation.rand_augment))
    return found


_NO_GRAPPLER = "disable_meta_optimizer"


@functools.lru_cache(maxsize=32)
def transformation(shape, mean, std, augmentation):
    """Returns the function from a batch's pixels to what the network sees, traced once.

    Args:
        shape: Of the batch, `(B or None, H, W, C)`.
        mean: Tuple, per channel, of pixels scaled to [0, 1].
        std: The same.
        augmentation: An `Augmentation`.

    Returns:
        A function from uint8 pixels, int64 `[2]` seed and epoch, and the number of the batch in the
        epoch, to float32 `(pixels / 255 - mean) / std`.

    A pipeline is made for every epoch, and tracing these operations anew takes most of that time.
    Each of its iterators prepares the function anew too, which takes more than twice as long where
    Grappler, TensorFlow's graph optimizer, was off when it was traced, as it is in a search.
    """
    _, height, width, _ = shape
    # Top and left of the crop, flip or not, centre of the cutout: how many values each may take.
    windows = 2 * augmentation.crop_padding + 1
    limits = np.array([windows, windows, 2, height, width], np.float32)[:, np.newaxis]

    photo_changes = _photo_changes(augmentation)

    def transform(pixels, seed_and_epoch, position):
        if augmentation != Augmentation():
            seeds = tf.random.experimental.stateless_fold_in(seed_and_epoch, position, alg="philox")
            count = tf.shape(pixels)[0]
            draws = tf.random.stateless_uniform([len(limits), count], seeds, alg="philox")
            top, left, flip, down, across = tf.unstack(tf.cast(draws * limits, tf.int32))
        if augmentation.crop_padding or augmentation.flip:
            flipped = tf.cast(flip, bool) if augmentation.flip else tf.zeros_like(flip, bool)
            pixels = crop_and_flip(pixels, top, left, flipped, augmentation.crop_padding)
        pixels = tf.cast(pixels, tf.float32)
        for number, change in enumerate(photo_changes, start=1):
            own = tf.random.experimental.stateless_fold_in(seeds, number, alg="philox")
            own = tf.random.experimental.stateless_split(own, tf.shape(pixels)[0], alg="philox")
            pixels = change(pixels, own)
        batch = (pixels / 255.0 - mean) / std
        if augmentation.cutout:
            batch = cutout(batch, down, across, augmentation.cutout)
        return batch

    signature = [
        tf.TensorSpec(shape, tf.uint8),
        tf.TensorSpec([2], tf.int64),
        tf.TensorSpec([], tf.int64),
    ]
    function = tf.function(transform, input_signature=signature, autograph=False)
    before = tf.config.optimizer.get_experimental_options().get(_NO_GRAPPLER, False)
    tf.config.optimizer.set_experimental_options({_NO_GRAPPLER: False})
    try:
        return function.get_concrete_function()
    finally:
        tf.config.optimizer.set_experimental_options({_NO_GRAPPLER: before})
