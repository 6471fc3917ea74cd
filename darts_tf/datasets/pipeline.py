"""The `tf.data` pipeline of one epoch: order, augmentation, normalisation."""

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import splits
from darts_tf.datasets.augmentation import Augmentation, transformation
from darts_tf.datasets.balanced_sampling import balanced_order
from darts_tf.datasets.stored_images import StoredImages


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
    """Makes the pipeline of one epoch: every example once, in normalised float32 batches, unless
    `shuffle` is `"balanced"`.

    Order and augmentation are a function of `seed`, `epoch` and the position in the epoch alone.
    So `batches(..., epoch=e).skip(k)` yields exactly the batches that an uninterrupted run would
    have seen after its first `k`.

    Args:
        images: uint8 array of shape `[N, H, W, C]`, which is read in place, not copied, or
            `StoredImages`, which are read from their file batch by batch.
        labels: Integer array of shape `[N]`; or of several labels 0 and 1, or of numbers, `[N, K]`.
        batch_size: Examples a batch; the last batch may be smaller.
        mean: Per channel, of pixels scaled to [0, 1].
        std: Per channel, of pixels scaled to [0, 1].
        augmentation: An `Augmentation`, or None for none.
        shuffle: Whether the order is random (another one each epoch) or that of the arrays;
            `"balanced"`: random, and all classes come equally often, see `balanced_order`.
        seed: Decides order and augmentation.
        epoch: Number of the epoch, from 0.
        drop_remainder: Whether a last batch that is not full is left out.

    Returns:
        A `tf.data.Dataset` of `(images, labels)`: float32 `[B, H, W, C]`, which is
        `(pixels / 255 - mean) / std`, and int32 `[B]` or `[B, K]`, of numbers float32.

    Raises:
        UserError: If arrays and options do not fit together.
    """
    augmentation = augmentation or Augmentation()
    if not isinstance(images, StoredImages):
        images = np.asarray(images)
    labels = np.asarray(labels)
    _check(images, labels, batch_size, mean, std, augmentation, drop_remainder)
    count = len(labels)
    # The permutation is drawn even where it is not used, because it checks the seeds.
    order = splits.permutation(count, seed, epoch)
    if shuffle == "balanced":
        order = balanced_order(labels, seed, epoch)
    elif not shuffle:
        order = np.arange(count)
    steps = count // batch_size if drop_remainder else -(-count // batch_size)
    mean, std = tuple(map(float, mean)), tuple(map(float, std))

    size = batch_size if drop_remainder else None
    transform = transformation((size, *images.shape[1:]), mean, std, augmentation)

    kind = np.float32 if labels.dtype.kind == "f" else np.int32

    def read(position):
        chosen = order[position * batch_size : (position + 1) * batch_size]
        return images[chosen], labels[chosen].astype(kind)

    @tf.autograph.experimental.do_not_convert
    def prepare(position):
        # The images stay outside the graph: as a constant in it they would be copied every epoch.
        pixels, classes = tf.numpy_function(read, [position], [tf.uint8, kind], stateful=False)
        pixels.set_shape([size, *images.shape[1:]])
        classes.set_shape([size, *labels.shape[1:]])
        return transform(pixels, tf.constant([seed, epoch], tf.int64), position), classes

    dataset = tf.data.Dataset.range(steps)
    dataset = dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    options = tf.data.Options()
    # There are no files to share out among workers: each takes its part of the examples.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)


def _check(images, labels, batch_size, mean, std, augmentation, drop_remainder):
    if images.dtype != np.uint8 or images.ndim != 4:
        raise UserError(
            f"images have type {images.dtype} and shape {list(images.shape)}: expected uint8 "
            "[examples, height, width, channels]"
        )
    if labels.ndim not in (1, 2) or labels.dtype.kind not in ("iu" if labels.ndim == 1 else "iuf"):
        raise UserError(
            f"labels have type {labels.dtype} and shape {list(labels.shape)}: expected integers of "
            "shape [examples], or labels or numbers of shape [examples, columns]"
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
