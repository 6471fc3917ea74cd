"""`image_files.read` as a TensorFlow graph, for exports that nothing but TensorFlow has to run.

PNG, JPEG, BMP and GIF files get exactly the pixels that `image_files.read` gives them, or are
refused with the reason (an `InvalidArgumentError`): what TensorFlow decodes otherwise, which is
CMYK in JPEGs, transparency in GIFs, palettes in BMPs, and what it cannot read. (It reads WebP too,
but animated ones make TensorFlow 2.21 crash.)
"""

import tensorflow as tf

from darts_tf.datasets import image_headers
from darts_tf.datasets.image_headers import number, required

# Pillow's fixed-point weights: src/libImaging/Resample.c.
_PRECISION = 2.0**22
_ROWS = 64
# From where to where EXIF data goes, and whether all of it that matters lies there.
_NO_EXIF = (0, 0, True)


def reader(image_shape, bit_depth=None, upright=True, crop=None):
    """Returns `image_files.read` for one kind of network, as TensorFlow operations.

    Args:
        image_shape: `(H, W, C)` of the result, C being 1 or 3.
        bit_depth: As for `image_files.read`.
        upright: As for `image_files.read`.
        crop: As for `image_files.read`.

    Returns:
        A function from a scalar string, the file's bytes, to uint8 `[H, W, C]`.
    """

    # What is converted takes twice as long to trace, and nothing here has to be.
    @tf.autograph.experimental.do_not_convert
    def read(encoded):
        image = decode(encoded, bit_depth, upright)
        if image_shape[2] == 1:
            image = _grey(image)
        if crop is not None:
            image = middle(image, image_shape[:2], crop)
        return resize(image, image_shape[:2])

    return read


def middle(image, size, share):
    """`pixels.middle`: the same pixels of a tensor `[H, W, C]`."""
    shape = tf.shape(image)[:2]
    height, width = tf.unstack(tf.cast(shape, tf.float64))
    whole = tf.stack(
        [
            tf.minimum(height, width * size[0] / size[1]),
            tf.minimum(width, height * size[1] / size[0]),
        ]
    )
    kept = tf.maximum(1, tf.cast(tf.floor(share * whole + 0.5), tf.int32))
    start = (shape - kept) // 2
    (top, left), (bottom, right) = tf.unstack(start), tf.unstack(start + kept)
    return image[top:bottom, left:right]


def decode(encoded, bit_depth=None, upright=True):
    """Decodes a file, lays it over white and, with `upright`, turns it so.

    Args:
        encoded: Scalar string, the file's bytes.
        bit_depth: As for `image_files.read`.
        upright: As for `image_files.read`.

    Returns:
        uint8 tensor of shape `[H, W, 3]`.
    """
    data = tf.pad(tf.io.decode_raw(encoded, tf.uint8), [[0, image_headers.PADDING]])
    branches = {
        b"\x89PNG\r\n\x1a\n": lambda: _png(encoded, data, bit_depth),
        b"\xff\xd8\xff": lambda: _jpeg(encoded, data),
        b"BM": lambda: _bmp(encoded, data),
        b"GIF8": lambda: _gif(encoded, data),
    }
    starts = [tf.strings.substr(encoded, 0, len(start)) == start for start in branches]
    index = tf.argmax(tf.stack(starts), output_type=tf.int32)
    with required(tf.reduce_any(starts), "it is no PNG, JPEG, BMP or GIF file"):
        index = tf.identity(index)
    image, start, end, inside = tf.switch_case(index, [_typed(f) for f in branches.values()])
    if not upright:
        return tf.ensure_shape(image, [None, None, 3])
    with required(inside, "its EXIF data is in several parts"):
        image = tf.ensure_shape(image, [None, None, 3])
    return _turned(image, image_headers.orientation(data, start, end))


def resize(image, size):
    """`pixels.resize`, to the last bit: bilinear, widened where the image shrinks, as Pillow does.

    Args:
        image: uint8 tensor of shape `[H, W, C]`.
        size: `(height, width)`.

    Returns:
        uint8 tensor of shape `[height, width, C]`.
    """
    channels = image.shape[2]
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    across = _weights(width, size[1])

    def narrow(rows):
        rows = tf.cast(tf.transpose(rows, [0, 2, 1]), tf.float64)
        return _rounded(tf.tensordot(rows, across, [[2], [1]]))

    # A few rows at a time, as eight bytes a value are many for a large picture.
    blocks = -(-height // _ROWS)
    padded = tf.pad(image, [[0, blocks * _ROWS - height], [0, 0], [0, 0]])
    padded = tf.reshape(padded, [blocks, _ROWS, width, channels])
    spec = tf.TensorSpec([_ROWS, channels, size[1]], tf.uint8)
    narrowed = tf.map_fn(narrow, padded, parallel_iterations=1, fn_output_signature=spec)
    narrowed = tf.reshape(narrowed, [blocks * _ROWS, channels, size[1]])[:height]
    down = _weights(height, size[0])
    result = _rounded(tf.tensordot(down, tf.cast(narrowed, tf.float64), [[1], [0]]))
    return tf.ensure_shape(tf.transpose(result, [0, 2, 1]), [*size, channels])


def _weights(before, after):
    """Returns `[after, before]`, float64: whole numbers that add up to about 2**22 in each row.

    Products with pixels and their sums are then exact, in whatever order they are added.
    """
    before = tf.cast(before, tf.float64)
    scale = before / after
    widened = tf.maximum(scale, 1.0)
    centre = (tf.range(after, dtype=tf.float64)[:, tf.newaxis] + 0.5) * scale
    position = tf.range(before, dtype=tf.float64)[tf.newaxis]
    first = tf.maximum(tf.floor(tf.maximum(centre - widened + 0.5, 0.0)), 0.0)
    last = tf.minimum(tf.floor(centre + widened + 0.5), before)
    inside = (position >= first) & (position < last)
    coefficients = tf.maximum(1.0 - tf.abs((position - centre + 0.5) * (1.0 / widened)), 0.0)
    coefficients = tf.where(inside, coefficients, 0.0)
    # cumsum adds from left to right as Pillow does; reduce_sum in another order.
    coefficients /= tf.cumsum(coefficients, axis=1)[:, -1:]
    return tf.floor(coefficients * _PRECISION + 0.5)


def _rounded(sums):
    return tf.saturate_cast(tf.floor((sums + _PRECISION / 2) / _PRECISION), tf.uint8)


def _typed(branch):
    def run():
        image, start, end, inside = branch()
        return image, tf.cast(start, tf.int64), tf.cast(end, tf.int64), tf.convert_to_tensor(inside)

    return run


def _png(encoded, data, bit_depth):
    depth, colour = number(data, 24, 1), number(data, 25, 1)
    transparent, start, end = image_headers.png(data)
    transparent |= (colour == 4) | (colour == 6)
    image = tf.cond(
        transparent | (depth == 16),
        lambda: _rich_png(encoded, transparent, depth == 16, bit_depth),
        lambda: tf.io.decode_png(encoded, channels=3),
    )
    return image, start, end, True


def _rich_png(encoded, transparent, deep, bit_depth):
    """Decodes a PNG with transparency or 16 bits a channel, which takes about 40 bytes a pixel."""
    # Fewer bits become 16 by repeating them.
    limit = tf.where(deep, 2 ** (bit_depth or 16) - 1, 65535)
    with required(
        ~deep | (bit_depth is not None),
        "it has 16 bits a channel, but the network was trained on images of 8",
    ):
        image = tf.io.decode_png(encoded, channels=4, dtype=tf.uint16)
    image = tf.cast(image, tf.int32)
    colours, alpha = image[..., :3], image[..., 3:]
    with required(
        tf.reduce_max(colours) <= limit,
        f"it holds values above those of the {bit_depth} bits that are used in the images that the "
        "network was trained on",
    ):
        colours = (colours * 255 + limit // 2) // limit
    # Where there is none, TensorFlow gives some images a wrong one.
    alpha = tf.where(transparent, (alpha * 255 + 32767) // 65535, 255)
    image = (colours * alpha + 255 * (255 - alpha) + 127) // 255
    return tf.cast(image, tf.uint8)


def _jpeg(encoded, data):
    start, end, several = image_headers.jpeg(data)
    inside = ~several | image_headers.directory_is_inside(data, start, end)
    four = tf.io.extract_jpeg_shape(encoded)[2] == 4
    with required(~four, "it is a JPEG file with four colours (CMYK)"):
        # The other way to transform is quicker, and up to 80 grey levels off.
        image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    return image, start, end, inside


def _bmp(encoded, data):
    plain = image_headers.bmp_is_plain(data)
    with required(plain, "it is a BMP file with a palette or of a rare kind"):
        image = tf.io.decode_bmp(encoded)[..., :3]  # The fourth byte of a pixel is not used.
    return tf.broadcast_to(image, [*tf.unstack(tf.shape(image)[:2]), 3]), *_NO_EXIF


def _gif(encoded, data):
    plain = image_headers.gif_is_plain(data)
    with required(plain, "it is a GIF file with transparency, or of a rare kind"):
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return image, *_NO_EXIF


def _grey(image):
    """Pillow's rounding of 0.299 R + 0.587 G + 0.114 B."""
    image = tf.cast(image, tf.int32)
    total = image[..., :1] * 19595 + image[..., 1:2] * 38470 + image[..., 2:] * 7471
    return tf.cast((total + 0x8000) // 0x10000, tf.uint8)


def _turned(image, orientation):
    def either(values, changed, image):
        condition = tf.reduce_any(orientation == tf.constant(values))
        return tf.cond(condition, lambda: changed(image), lambda: image)

    image = either((5, 6, 7, 8), lambda image: tf.transpose(image, [1, 0, 2]), image)
    image = either((2, 3, 6, 7), lambda image: tf.reverse(image, [1]), image)
    return either((3, 4, 7, 8), lambda image: tf.reverse(image, [0]), image)
