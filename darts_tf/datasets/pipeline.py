"""The `tf.data` pipeline of one epoch: order, augmentation, normalisation."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from darts_tf.datasets import splits
from darts_tf.errors import UserError


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
    """

    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0

    def __post_init__(self):
        for name in ("crop_padding", "cutout"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise UserError(f"{name} is {value!r}: give a number of pixels, 0 to switch it off")

    @classmethod
    def suited_to(cls, data, cutout=False):
        """Returns DARTS' CIFAR-10 augmentation in proportion to the size of `data`'s images.

        Args:
            data: An `ImageData`.
            cutout: Whether to cut out squares too.

        Returns:
            `crop_padding` of an eighth of the shorter side, `cutout` of half of it (4 and 16 for
            32x32), and a flip where `data.flip` allows it.
        """
        side = min(data.image_shape[:2])
        return cls(crop_padding=side // 8, flip=data.flip, cutout=side // 2 if cutout else 0)


def batches(
    images,
    labels,
    batch_size,
    *,
    mean,
    std,
    augmentation=None,
    shuffle=False,
    seed=0,
    epoch=0,
    drop_remainder=False,
):
    """Makes the pipeline of one epoch: every example once, in normalised float32 batches.

    Order and augmentation are a function of `seed`, `epoch` and the position in the epoch alone.
    So `batches(..., epoch=e).skip(k)` yields exactly the batches that an uninterrupted run would
    have seen after its first `k`.

    Args:
        images: uint8 array of shape `[N, H, W, C]`. It is read in place, not copied.
        labels: Integer array of shape `[N]`.
        batch_size: Examples a batch; the last batch may be smaller.
        mean: Per channel, of pixels scaled to [0, 1].
        std: Per channel, of pixels scaled to [0, 1].
        augmentation: An `Augmentation`, or None for none.
        shuffle: Whether the order is random (another one each epoch) or that of the arrays.
        seed: Decides order and augmentation.
        epoch: Number of the epoch, from 0.
        drop_remainder: Whether a last batch that is not full is left out.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32 `[B, H, W, C]`, which is
        `(pixels / 255 - mean) / std`, and int32 `[B]`.

    Raises:
        UserError: If arrays and options do not fit together.
    """
    augmentation = augmentation or Augmentation()
    images, labels = np.asarray(images), np.asarray(labels)
    _check(images, labels, batch_size, mean, std, augmentation, drop_remainder)
    count = len(labels)
    # The permutation is drawn even where it is not used, because it checks the seeds.
    order = splits.permutation(count, seed, epoch)
    order = order if shuffle else np.arange(count)
    steps = count // batch_size if drop_remainder else -(-count // batch_size)
    mean, std = tuple(map(float, mean)), tuple(map(float, std))

    size = batch_size if drop_remainder else None
    transform = _transform((size, *images.shape[1:]), mean, std, augmentation)

    def read(position):
        chosen = order[position * batch_size : (position + 1) * batch_size]
        return images[chosen], labels[chosen].astype(np.int32)

    @tf.autograph.experimental.do_not_convert
    def prepare(position):
        # The images stay outside the graph: as a constant in it they would be copied every epoch.
        pixels, classes = tf.numpy_function(read, [position], [tf.uint8, tf.int32], stateful=False)
        pixels.set_shape([size, *images.shape[1:]])
        classes.set_shape([size])
        return transform(pixels, tf.constant([seed, epoch], tf.int64), position), classes

    dataset = tf.data.Dataset.range(steps)
    dataset = dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    options = tf.data.Options()
    # There are no files to share out among workers: each takes its part of the examples.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


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


@functools.lru_cache(maxsize=32)
def _transform(shape, mean, std, augmentation):
    """Returns the function from a batch's pixels to what the network sees, traced once.

    A pipeline is made for every epoch, and tracing these operations anew takes most of that time.
    """
    _, height, width, _ = shape
    # Top and left of the crop, flip or not, centre of the cutout: how many values each may take.
    windows = 2 * augmentation.crop_padding + 1
    limits = np.array([windows, windows, 2, height, width], np.float32)[:, np.newaxis]

    def transform(pixels, seed_and_epoch, position):
        if augmentation != Augmentation():
            seeds = tf.random.experimental.stateless_fold_in(seed_and_epoch, position, alg="philox")
            count = tf.shape(pixels)[0]
            draws = tf.random.stateless_uniform([len(limits), count], seeds, alg="philox")
            top, left, flip, down, across = tf.unstack(tf.cast(draws * limits, tf.int32))
        if augmentation.crop_padding or augmentation.flip:
            flipped = tf.cast(flip, bool) if augmentation.flip else tf.zeros_like(flip, bool)
            pixels = crop_and_flip(pixels, top, left, flipped, augmentation.crop_padding)
        batch = (tf.cast(pixels, tf.float32) / 255.0 - mean) / std
        if augmentation.cutout:
            batch = cutout(batch, down, across, augmentation.cutout)
        return batch

    signature = [
        tf.TensorSpec(shape, tf.uint8),
        tf.TensorSpec([2], tf.int64),
        tf.TensorSpec([], tf.int64),
    ]
    function = tf.function(transform, input_signature=signature, autograph=False)
    return function.get_concrete_function()


def _check(images, labels, batch_size, mean, std, augmentation, drop_remainder):
    if images.dtype != np.uint8 or images.ndim != 4:
        raise UserError(
            f"images have type {images.dtype} and shape {list(images.shape)}: expected uint8 "
            "[examples, height, width, channels]"
        )
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UserError(
            f"labels have type {labels.dtype} and shape {list(labels.shape)}: expected integers of "
            "shape [examples]"
        )
    if len(images) != len(labels):
        raise UserError(f"{len(images)} images have {len(labels)} labels: give one label an image")
    if not len(labels):
        raise UserError("there are no examples to make batches of: give at least one")
    if batch_size < 1:
        raise UserError(f"batch size is {batch_size}: it must be at least 1")
    if drop_remainder and batch_size > len(labels):
        raise UserError(
            f"batch size {batch_size} is larger than the {len(labels)} examples, so no batch would "
            f"be full: choose at most {len(labels)}"
        )
    channels = images.shape[3]
    if len(mean) != channels or len(std) != channels:
        raise UserError(
            f"images have {channels} channels, but mean has {len(mean)} values and std has "
            f"{len(std)}: give one a channel"
        )
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and min(std) > 0):
        raise UserError(
            f"mean is {tuple(mean)} and std is {tuple(std)}: they must be finite, std positive"
        )
    side = min(images.shape[1:3])
    if augmentation.crop_padding >= side:
        raise UserError(
            f"crop padding {augmentation.crop_padding} is too large for images of "
            f"{images.shape[1]}x{images.shape[2]} pixels: choose less than {side}"
        )
    if augmentation.cutout > side:
        raise UserError(
            f"cutout {augmentation.cutout} is too large for images of {images.shape[1]}x"
            f"{images.shape[2]} pixels: choose at most {side}"
        )
