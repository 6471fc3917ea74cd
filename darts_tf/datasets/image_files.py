"""From the bytes of an image file to the pixels that a network sees: the one definition of it.

Folders of images and sets of TensorFlow Datasets are read with it, and so is what `train.serve` is
sent. `image_graph` is the same
as a TensorFlow graph, for the types of files that TensorFlow can read.

1.  The first picture of the file is decoded by Pillow; of PNGs with 16 bits, by TensorFlow,
    because Pillow keeps only 8 bits of those in colour.
2.  16 bits become 8: `round(value * 255 / (2**bit_depth - 1))`. How many bits are used is a
    property of the camera that the file does not tell, so it is one of the data set.
3.  Colours become RGB, palettes are looked up, and what is transparent is laid over white.
4.  The picture is turned as the camera's mark (the orientation in its EXIF data) says.
5.  For networks with one channel, colours become grey: 0.299 R + 0.587 G + 0.114 B.
6.  In an evaluation by crops, its middle is cut out (`pixels.middle`).
7.  It is resized without regard to its aspect ratio (`pixels.resize`).
"""

import contextlib
import dataclasses
import functools
import io
import re

import numpy as np
from PIL import Image

from darts_tf.datasets import pixels

BIT_DEPTHS = (8, 10, 12, 14, 16)
# Formats that Pillow knows by name but does not decode by itself.
_NOT_DECODED = {
    "BUFR": "Pillow needs another program to read it",
    "EPS": "Pillow needs another program to read it",
    "GRIB": "Pillow needs another program to read it",
    "HDF5": "Pillow needs another program to read it",
    "MPEG": "it is a film",
    "PDF": "it is a document",
    "WMF": "Pillow needs another program to read it",
}
_GREY = ("1", "L", "LA", "La")
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_LOW_BITS = {"L;2": 85, "L;4": 17}
_ORIENTATION = 0x0112
_EXIF_PREFIX = b"Exif\0\0"


class ImageError(ValueError):
    """An image file that cannot be used. The text says why, as in `cannot read 1.png: TEXT`."""


class TooLargeError(ImageError):
    """An image with more pixels than Pillow decodes (178,956,970 by default)."""


@dataclasses.dataclass(frozen=True)
class Header:
    """The facts that a file states before its pixels are decoded.

    Attributes:
        size: `(height, width)`, as the picture is stored.
        upright_size: `(height, width)` once it is turned as the camera's mark says.
        grey: Whether it has no colours.
        deep: Whether it has 16 bits a channel.
    """

    size: tuple[int, int]
    upright_size: tuple[int, int]
    grey: bool
    deep: bool


@functools.cache
def formats():
    """Returns the names of the formats that are read, in Pillow's words."""
    Image.init()
    # In the order in which they are tried: it takes as long as decoding a small image.
    usual = ("JPEG", "PNG")
    return (*usual, *sorted(set(Image.OPEN) - set(_NOT_DECODED) - set(usual)))


@functools.cache
def extensions():
    """Returns the endings of the files that are read, such as `".png"`, sorted."""
    known = Image.registered_extensions().items()
    return tuple(sorted(ending for ending, name in known if name in formats()))


def why_left_out(extension):
    """Returns why files with this ending (such as `".eps"`) are not read."""
    name = Image.registered_extensions().get(extension)
    return _NOT_DECODED.get(name, "not a type of image that Pillow reads")


def header(file):
    """Reads a file's header.

    Args:
        file: Its path, or a binary file object.

    Returns:
        A `Header`.

    Raises:
        ImageError: If it is no image, or one that `read` refuses for its kind.
    """
    with _opened(file) as picture:
        deep = _is_deep(picture)
        size = picture.height, picture.width
        turned = _orientation(picture) >= 5
        grey = picture.mode in _GREY or (deep and picture.mode[0] == "I")
        return Header(size, size[::-1] if turned else size, grey, deep)


def read(encoded, image_shape, bit_depth=None, upright=True, crop=None):
    """Decodes a file to the pixels that a network sees.

    Args:
        encoded: The file's bytes.
        image_shape: `(H, W, C)` of the result, C being 1 or 3.
        bit_depth: How many bits are used in images of 16 bits a channel, one of `BIT_DEPTHS`; None
            where that is not known, so that such images are refused.
        upright: Whether cameras' marks are followed. (Networks of before did not.)
        crop: What share of the image is seen, see `pixels.middle`; None for all of it, whatever
            its proportions are.

    Returns:
        uint8 array of shape `[H, W, C]`.

    Raises:
        ImageError: If the file cannot be used.
    """
    image = decode(encoded, image_shape[2], bit_depth, upright)
    if crop is not None:
        image = pixels.middle(image, image_shape[:2], crop)
    return pixels.resize(image, image_shape[:2])


def decode(encoded, channels, bit_depth=None, upright=True):
    """Decodes a file as `read` does, to its own size: uint8 `[H, W, channels]`."""
    with _opened(io.BytesIO(encoded)) as picture:
        image = _scaled(picture, encoded, bit_depth) if _is_deep(picture) else _eight(picture)
        orientation = _orientation(picture) if upright else 1
    if image.shape[2] in (2, 4):
        image = pixels.over_white(image)
    image = _turned(image, orientation)
    if image.shape[2] > channels:
        image = np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]
    return image if image.shape[2] == channels else np.repeat(image, channels, 2)


def largest_value(encoded):
    """Returns the largest value of any colour in an image with 16 bits a channel.

    Raises:
        ImageError: If the file cannot be used.
    """
    with _opened(io.BytesIO(encoded)) as picture:
        return int(_sixteen(picture, encoded)[..., :3].max())


def bits_for(largest):
    """Returns the smallest of `BIT_DEPTHS` that holds the value `largest`, from 0 to 65535."""
    return next(bits for bits in BIT_DEPTHS if largest < 2**bits)


@contextlib.contextmanager
def _opened(file):
    """Opens a picture; whatever Pillow raises about it becomes an `ImageError`."""
    try:
        with Image.open(file, formats=formats()) as picture:
            yield picture
    except (ImageError, MemoryError, PermissionError, FileNotFoundError):
        raise
    except Image.DecompressionBombError as error:
        raise TooLargeError("it has far too many pixels") from error
    except Exception as error:  # Pillow's parsers raise many kinds for damaged files.
        raise ImageError("it is damaged or not an image") from error


def _is_deep(picture):
    """Whether a picture has 16 bits a channel; refuses what has more, or cannot be read whole."""
    mode = picture.mode
    if mode[0] == "F":
        raise ImageError("it holds fractions (Pillow's mode F): save it with 8 or 16 bits")
    if mode[0] == "I":
        return True
    if mode == "LAB":
        raise ImageError("it has colours in Pillow's mode LAB: save it as RGB")
    deep = bool(re.search(";16[BLN]", _packing(picture))) or _codec(picture) == "SGI16"
    if deep and picture.format != "PNG":
        raise ImageError(
            "it has 16 bits a channel, of which Pillow keeps 8 in this type of file: save it as PNG"
        )
    return deep


def _codec(picture):
    return picture.tile[0][0] if picture.tile else ""


def _packing(picture):
    """Returns how a picture's bytes become pixels, in Pillow's words, such as `"RGB;16B"`."""
    arguments = picture.tile[0][3] if picture.tile else None
    first = arguments if isinstance(arguments, str) else next(iter(arguments or [""]))
    return first if isinstance(first, str) else ""


def _eight(picture):
    """Returns a picture of 8 bits a channel as uint8 `[H, W, 1 to 4]`."""
    transparent = picture.mode in _ALPHA or "transparency" in picture.info
    factor = _LOW_BITS.get(_packing(picture))
    if factor and transparent:
        # Pillow scales the grey levels of such PNGs, but not the one that is transparent.
        picture.info["transparency"] *= factor
    mode = "L" if picture.mode in _GREY else "RGB"
    mode = {"L": "LA", "RGB": "RGBA"}[mode] if transparent else mode
    image = np.asarray(picture.convert(mode))
    return image[..., np.newaxis] if image.ndim == 2 else image


def _scaled(picture, encoded, bit_depth):
    """Returns a picture of 16 bits a channel as uint8 `[H, W, 1 to 4]`."""
    if bit_depth is None:
        raise ImageError(
            "it has 16 bits a channel, but the network was trained on images of 8, so that nobody "
            "knows how bright its values are: save it with 8 bits"
        )
    image = _sixteen(picture, encoded)
    largest, limit = image[..., :3].max(), 2**bit_depth - 1
    if largest > limit:
        raise ImageError(
            f"it holds the value {largest}, but in the images that the network was trained on "
            f"{bit_depth} of 16 bits are used, at most {limit}: scale it, or save it with 8 bits"
        )
    return pixels.to_eight_bits(image, bit_depth)


def _sixteen(picture, encoded):
    """Returns a picture of 16 bits a channel as uint16 `[H, W, 1, 3 or 4]`."""
    if picture.format == "PNG":
        import tensorflow as tf

        transparent = picture.mode in _ALPHA or "transparency" in picture.info
        channels = 4 if transparent else (1 if picture.mode[0] == "I" else 3)
        picture.load()  # Which also finds marks at the end of the file.
        with tf.device("CPU"):
            return tf.io.decode_png(encoded, channels=channels, dtype=tf.uint16).numpy()
    image = np.asarray(picture)
    if image.min() < 0 or image.max() > 65535:
        raise ImageError(
            f"it holds values from {image.min()} to {image.max()}: save it with 8 or 16 bits, 0 to "
            "65535"
        )
    return image[..., np.newaxis].astype(np.uint16)


def _orientation(picture):
    """Returns the camera's mark, 1 (upright) to 8.

    The tag is read here, not by Pillow, whose rules for damaged tags change, and which also looks
    into XMP texts that browsers ignore. TIFFs are turned by Pillow when they are loaded.
    """
    exif = b"" if picture.format == "TIFF" else picture.info.get("exif", b"")
    exif = exif.removeprefix(_EXIF_PREFIX).removeprefix(_EXIF_PREFIX)
    if len(exif) < 8 or exif[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    order = "little" if exif[:1] == b"I" else "big"

    def number(start, size):
        return int.from_bytes(exif[start : start + size], order)

    first = number(4, 4) + 2
    if first > len(exif):
        return 1
    for position in range(min(number(first - 2, 2), (len(exif) - first) // 12)):
        entry = first + 12 * position
        tag, kind, count = number(entry, 2), number(entry + 2, 2), number(entry + 4, 4)
        if (tag, kind, count) == (_ORIENTATION, 3, 1):
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def _turned(image, orientation):
    """Turns `[H, W, C]` as one of the eight orientations of EXIF (tag 0x0112) says."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
