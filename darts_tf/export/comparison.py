"""The finished export and the Keras model asked the same questions."""

import dataclasses
import io
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from darts_tf.common.errors import UserError
from darts_tf.datasets import image_files
from darts_tf.export.answers import Answers

# The export runs the same kernels as the Keras model, only fused differently by the graph
# optimizer, so probabilities may differ by a few float32 roundings and not by more.
TOLERANCE = 1e-5
#: On how many random images exports are compared.
CHECKED_IMAGES = 16
_ORIENTATION = 0x0112


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """How files become what the network sees.

    Attributes:
        image_shape: `(H, W, C)`.
        mean: C channel means of pixels scaled to [0, 1].
        std: C channel standard deviations.
        bit_depth: how many bits are used of images with 16 bits a channel, None if not known.
        upright: whether cameras' marks are followed.
        answers: what becomes of the network's outputs.
        crop: what share of an image file is seen, see `pixels.middle`; None for all of it.
    """

    image_shape: tuple[int, int, int]
    mean: Sequence[float]
    std: Sequence[float]
    bit_depth: int | None
    upright: bool
    answers: Answers
    crop: float | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The result of `compare`.

    Attributes:
        images: how many random images were given to both.
        files: how many image files were given to both.
        refused: how many of the files `serving_bytes` refused.
        max_difference: the largest difference between the two's probabilities, or numbers.
    """

    images: int
    files: int
    refused: int
    max_difference: float


def normalize(images, mean: Sequence[float], std: Sequence[float]) -> tf.Tensor:
    """Returns uint8 `images` `[B, H, W, C]` as float32 `(images / 255 - mean) / std`."""
    scaled = tf.cast(images, tf.float32) / 255.0
    return (scaled - tf.constant(mean, tf.float32)) / tf.constant(std, tf.float32)


def compare(model, directory, preprocessing: Preprocessing, files=()) -> Comparison:
    """Compares a SavedModel with its Keras model: on random images, and on image files.

    Args:
        model: the Keras model.
        directory: the folder of the SavedModel.
        preprocessing: what the export was made with.
        files: the bytes of image files, which the model gets as data sets read them; without any,
            some are made up. `serving_bytes` may refuse a file, but not answer otherwise.

    Raises:
        UserError: the two differ.
    """
    loaded = tf.saved_model.load(str(directory))
    images = random_images(preprocessing)
    answer = loaded.signatures["serving_default"](images=tf.constant(images))
    difference = answer_difference(model, preprocessing, images, answer)
    checked, refused = 0, 0
    for encoded in files or _made_up_files(preprocessing):
        try:
            pixels = image_files.read(
                encoded,
                preprocessing.image_shape,
                preprocessing.bit_depth,
                preprocessing.upright,
                preprocessing.crop,
            )[np.newaxis]
        except image_files.ImageError:
            continue
        checked += 1
        try:
            answer = loaded.signatures["serving_bytes"](image_bytes=tf.constant([encoded]))
        except tf.errors.InvalidArgumentError:
            refused += 1
            continue
        what = " for an image file; are Pillow and TensorFlow those of the Python package index?"
        found = answer_difference(model, preprocessing, pixels, answer, what=what)
        difference = max(difference, found)
    return Comparison(CHECKED_IMAGES, checked, refused, difference)


def random_images(preprocessing: Preprocessing, count: int = CHECKED_IMAGES) -> np.ndarray:
    """Images to compare an export on, uint8 `[count, H, W, C]`, always the same."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, [count, *preprocessing.image_shape], dtype=np.uint8)


def answer_difference(
    model,
    preprocessing: Preprocessing,
    images,
    answer,
    tolerance: float = TOLERANCE,
    what: str = "; does a layer behave differently inside a tf.function?",
) -> float:
    """The largest difference of an answer between an export and its Keras model.

    Args:
        model: the Keras model.
        preprocessing: what the export was made with.
        images: uint8 `[B, H, W, C]`.
        answer: of the export, by name, tensors or arrays.
        tolerance: what is allowed.
        what: the end of the message if it is more.

    Raises:
        UserError: it is more, or the model's answers are not finite.
    """
    outputs = model(normalize(images, preprocessing.mean, preprocessing.std), training=False)
    difference, finite = preprocessing.answers.difference(answer, outputs)
    called = preprocessing.answers.compared
    if not finite:
        raise UserError(
            f"the model's {called} are not finite (NaN); nothing was exported; train it "
            "again, for example with a smaller learning rate"
        )
    if not difference <= tolerance:
        raise UserError(
            f"the export's {called} differ from the Keras model's by {difference:.2g} "
            f"(allowed: {tolerance:g}); nothing was exported{what}"
        )
    return difference


def _made_up_files(preprocessing):
    """Returns files of several types: of the right size and others, transparent, turned, deep."""
    height, width, _ = preprocessing.image_shape
    generator = np.random.default_rng(1)
    exact = Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))
    large = exact.resize((2 * width + 3, 3 * height + 1), Image.Resampling.BICUBIC)
    small = exact.resize((width // 2 + 1, height // 2 + 2), Image.Resampling.BICUBIC)
    clear = large.copy()
    clear.putalpha(Image.linear_gradient("L").resize(large.size))
    turned = Image.Exif()
    turned[_ORIENTATION] = 6
    files = [
        _encoded(exact, "PNG"),
        _encoded(exact.convert("L"), "PNG"),
        _encoded(clear, "PNG"),
        _encoded(small.quantize(16), "PNG"),
        _encoded(large, "JPEG"),
        _encoded(large.convert("L"), "JPEG", exif=turned),
        _encoded(small, "BMP"),
        _encoded(large, "GIF"),
    ]
    if preprocessing.bit_depth:
        limit = 2**preprocessing.bit_depth
        deep = generator.integers(0, limit, (height + 3, width), dtype=np.uint16)
        files.append(_encoded(Image.fromarray(deep), "PNG"))
    return files


def _encoded(image, kind, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
