"""Operations on the pixels of single images and of whole arrays."""

import math

import numpy as np
from PIL import Image

from darts_tf.common.errors import UserError
from darts_tf.datasets.source import check_memory

MINIMUM_SIDE = 4
_SMALLEST_STD = 1 / 255
_PART = 2**16


def parse_image_size(image_size):
    """Returns `(height, width)` for an integer, a pair or None (which stays None).

    Raises:
        UserError: If it is something else, or a side is shorter than 4 pixels.
    """
    if image_size is None:
        return None
    sides = (image_size, image_size) if np.ndim(image_size) == 0 else tuple(image_size)
    whole = [isinstance(side, int | np.integer) and not isinstance(side, bool) for side in sides]
    if len(sides) != 2 or not all(whole):
        raise UserError(
            f"image size is {image_size!r}: give one number of pixels or a height and a width"
        )
    check_sides(sides, "image size")
    return int(sides[0]), int(sides[1])


def refuse_sizes(first, second):
    """Refuses images of two sizes where one is needed, each as `(name, (height, width))`."""
    (name, (height, width)), (other, size) = first, second
    raise UserError(
        f"images differ in size ({name} is {height}x{width}, {other} is {size[0]}x{size[1]}): give "
        "--image_size to bring all to one size"
    )


def check_sides(sides, what):
    """Raises a `UserError` about `what` if a side is shorter than the smallest allowed."""
    if min(sides) < MINIMUM_SIDE:
        raise UserError(
            f"{what}: {sides[0]}x{sides[1]} pixels is too small, images need at least "
            f"{MINIMUM_SIDE}x{MINIMUM_SIDE}"
        )


def to_eight_bits(image, bit_depth):
    """Scales 16 bits a channel to 8.

    Args:
        image: uint16 array of shape `[..., C]`, C being 1, 3 or 4 (colour and alpha).
        bit_depth: How many bits the colours use. Alpha is a share of 65535 whatever the camera.

    Returns:
        uint8 array of the same shape.
    """
    limits = np.full(image.shape[-1], 2**bit_depth - 1, np.uint32)
    limits[3:] = 65535
    return ((image.astype(np.uint32) * 255 + limits // 2) // limits).astype(np.uint8)


def over_white(image):
    """Removes the alpha channel, which is the last, by laying the image over white.

    Args:
        image: uint8 array of shape `[..., C + 1]`.

    Returns:
        uint8 array of shape `[..., C]`.
    """
    flat = image.reshape(-1, image.shape[-1])
    found = np.empty((len(flat), image.shape[-1] - 1), np.uint8)
    # In parts, because 16 bits of all need several times the memory of a large picture.
    for start in range(0, len(flat), _PART):
        part = flat[start : start + _PART].astype(np.uint16)
        colour, alpha = part[:, :-1], part[:, -1:]
        found[start : start + _PART] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return found.reshape(*image.shape[:-1], -1)


def middle(image, size, share):
    """Cuts the middle out of an image: what an evaluation sees of it.

    It has the proportions of `size`, and is `share` of the largest such rectangle in the image. To
    resize that to `size` is the usual way to evaluate on large photos, whose shorter side is
    resized to `size / share`, and whose centre is cut out; in the order of EfficientNet's code
    (`_decode_and_center_crop`, with a share of 224 / 256 = 0.875), which resizes less.

    Args:
        image: array of shape `[H, W, C]`.
        size: `(height, width)`, of which only the ratio counts.
        share: above 0, at most 1.

    Returns:
        A view of the image, of at least one pixel.
    """
    height, width = image.shape[:2]
    # `image_graph.middle` computes the same in the same order.
    rows = max(1, math.floor(share * min(float(height), width * size[0] / size[1]) + 0.5))
    columns = max(1, math.floor(share * min(float(width), height * size[1] / size[0]) + 0.5))
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns]


def resize(image, size):
    """Resizes one image to `size`, without regard to its aspect ratio.

    Bilinear with a kernel that widens when the image shrinks, as Pillow computes it: first the
    width, then the height. (Which one is first changes some pixels by 1. Pillow up to 12 had this
    order, from 13 on it depends on the sizes, so it is fixed here.)

    Args:
        image: uint8 array of shape `[H, W, C]`, C being 1 or 3.
        size: `(height, width)`.

    Returns:
        uint8 array of shape `[height, width, C]`.
    """
    if image.shape[:2] == tuple(size):
        return image
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture = picture.resize((size[1], image.shape[0]), Image.Resampling.BILINEAR)
    picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(*size, image.shape[-1])


def resize_all(images, size):
    """Resizes images `[N, H, W, C]` to `size`; None leaves them as they are."""
    if size is None or images.shape[1:3] == tuple(size):
        return images
    check_memory(len(images) * math.prod(size) * images.shape[-1], "the images after resizing")
    result = np.empty((len(images), *size, images.shape[-1]), np.uint8)
    for position, image in enumerate(images):
        result[position] = resize(image, size)
    return result


def mean_and_std(images):
    """Computes mean and standard deviation of each channel, of pixels scaled to [0, 1].

    Exact to float64: it counts how often each of the 256 values occurs.

    Args:
        images: uint8 array of shape `[N, H, W, C]`.

    Returns:
        `(mean, std)`, tuples of C floats. A channel that hardly varies gets a standard deviation
        of one grey level, 1/255, so that dividing by it is safe.
    """
    channels = images.shape[-1]
    counts = np.zeros((channels, 256), np.int64)
    step = max(1, min(1024, _PART * 256 // math.prod(images.shape[1:])))
    for start in range(0, len(images), step):
        chunk = images[start : start + step]
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ values
    variance = (share * (values - mean[:, np.newaxis]) ** 2).sum(axis=1)
    std = np.maximum(np.sqrt(variance), _SMALLEST_STD)
    return tuple(mean.tolist()), tuple(std.tolist())
