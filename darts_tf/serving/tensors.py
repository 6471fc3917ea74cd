"""JSON lists to arrays and back, with errors that a client understands.

Whole levels of nesting are checked and flattened at once, which keeps the work in C for the
millions of numbers that a batch of images has.
"""

import base64
import binascii
import io
import itertools
import math
import warnings

import numpy as np

from darts_tf.datasets import image_files
from darts_tf.serving.errors import RequestError

# Of all images of one request together. A few kilobytes of PNG can hold gigabytes of pixels.
MAX_PIXELS = 50_000_000
_JSON_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def json_kind(value) -> str:
    """Returns what a JSON value is, in words."""
    return _JSON_KINDS[type(value)]


def flatten(value, rank: int, what: str) -> tuple[list[int], list]:
    """Takes `rank` levels of nested lists apart.

    Args:
        value: a JSON value.
        rank: the number of levels.
        what: the name of the value in error messages.

    Returns:
        The size of each level, and all elements in row-major order.

    Raises:
        RequestError: there are fewer levels, a list is empty, or lists of one level differ in
            length.
    """
    shape, elements = [], [value]
    for level in range(rank):
        strangers = [element for element in elements if type(element) is not list]
        if strangers:
            raise RequestError(
                400,
                f"{what} has {json_kind(strangers[0])} where a list was expected; it must be "
                f"{rank} lists deep, and this is level {level + 1}",
            )
        sizes = set(map(len, elements))
        if 0 in sizes:
            raise RequestError(400, f"{what} is empty, or has an empty list at level {level + 1}")
        if len(sizes) > 1:
            raise RequestError(
                400,
                f"{what} is ragged: its lists at level {level + 1} have different lengths, "
                f"{min(sizes)} to {max(sizes)}",
            )
        shape.append(sizes.pop())
        elements = list(itertools.chain.from_iterable(elements))
    return shape, elements


def check_shape(shape, expected, what: str) -> None:
    """Raises `RequestError` if `shape`, as a request says it, is none or does not match.

    Args:
        shape: a list of sizes, if the request is right.
        expected: the sizes; None matches any size.
        what: the name of the input.
    """
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(400, f"{what} needs a shape: a list of whole numbers from 0")
    fits = len(shape) == len(expected) and all(
        want in (None, size) for size, want in zip(shape, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in expected)
        raise RequestError(400, f"{what} has shape {list(shape)}; expected [{wanted}]")
    if 0 in shape:
        raise RequestError(400, f"{what} is empty; send at least one example")


def uint8_array(elements: list, shape, what: str) -> tuple[np.ndarray, int]:
    """Returns the numbers `elements` as a uint8 array of `shape`, and how many they are.

    Raises:
        RequestError: an element is no whole number from 0 to 255.
    """
    kinds = set(map(type, elements))
    if kinds - {int}:
        stranger = next(element for element in elements if type(element) is not int)
        found = json_kind(stranger)
        if type(stranger) is float:
            found = f"the number {stranger}" if math.isfinite(stranger) else str(stranger)
        elif type(stranger) is list:
            found = "a list that is nested too deep"
        raise RequestError(400, f"{what} contains {found}; expected whole numbers from 0 to 255")
    low, high = min(elements), max(elements)
    if low < 0 or high > 255:
        # A number of thousands of digits is no help in an error message.
        outside = str(low if low < 0 else high) if abs(low) + abs(high) < 1e15 else "a huge number"
        raise RequestError(400, f"{what} contains {outside}; expected whole numbers from 0 to 255")
    return np.array(elements, np.uint8).reshape(shape), len(elements)


def number_array(elements: list, shape, dtype: str, what: str) -> tuple[np.ndarray, int]:
    """Returns numbers as an array of `shape`, and how many they are.

    Args:
        elements: JSON values in row-major order.
        shape: of the array.
        dtype: `int32` or `float32`.
        what: the name of the value in error messages.

    Raises:
        RequestError: an element is no number, is not finite or does not fit into the type.
    """
    kinds = {int} if dtype == "int32" else {int, float}
    expected = "whole numbers of 32 bits" if dtype == "int32" else "finite numbers"
    for element in elements:
        if type(element) not in kinds:
            raise RequestError(400, f"{what} contains {json_kind(element)}; expected {expected}")
    most = np.iinfo(np.int32).max if dtype == "int32" else float(np.finfo(np.float32).max)
    if not all(-most <= element <= most for element in elements):
        raise RequestError(400, f"{what} contains a number out of range; expected {expected}")
    return np.array(elements, dtype).reshape(shape), len(elements)


def text_array(elements: list, shape, what: str) -> tuple[np.ndarray, int]:
    """Returns texts as an object array of bytes, and how many characters they have.

    Raises:
        RequestError: an element is neither text nor `{"b64": ...}`, or no UTF-8.
    """
    texts = []
    for element in elements:
        if isinstance(element, dict) and set(element) == {"b64"}:
            element = decode_base64(element["b64"], what)
        elif isinstance(element, str):
            element = element.encode("utf-8", "surrogatepass")
        else:
            raise RequestError(400, f"{what} is {json_kind(element)}; expected text")
        texts.append(element)
    return utf8_array(texts, shape, what)


def utf8_array(texts: list[bytes], shape, what: str) -> tuple[np.ndarray, int]:
    """Returns encoded texts as an object array, and how many bytes they have.

    Raises:
        RequestError: one is no UTF-8.
    """
    for text in texts:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise RequestError(400, f"{what} is no text in UTF-8") from error
    array = np.empty(len(texts), object)
    array[:] = texts
    return array.reshape(shape), sum(map(len, texts))


_FOR_URLS = str.maketrans("-_", "+/")


def decode_base64(text, what: str) -> bytes:
    """Returns the bytes of base64 `text` (RFC 4648).

    The standard alphabet or that for URLs, with padding or without, with line breaks as MIME and
    the command `base64` set them, or in a data URL.
    """
    if not isinstance(text, str):
        raise RequestError(400, f"{what} is {json_kind(text)}; expected base64 text")
    if text[:5].lower() == "data:":
        head, found, text = text.partition(",")
        if not found or not head.lower().endswith(";base64"):
            raise RequestError(400, f"{what} is a data URL without ';base64,'; encode it in base64")
    text = "".join(text.split()).translate(_FOR_URLS).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, f"{what} is not valid base64 text") from error


def check_encoded_images(images: list[bytes]) -> tuple[np.ndarray, int]:
    """Checks from their headers that all `images` are image files of a sane size.

    Returns:
        The files as an object array `[B]`, and how many pixels they have together.

    Raises:
        RequestError: a file is something else, is damaged, or all have too many pixels.
    """
    pixels = 0
    for index, encoded in enumerate(images):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pixels += math.prod(image_files.header(io.BytesIO(encoded)).size)
        except image_files.TooLargeError:
            pixels = math.inf
        except image_files.ImageError as error:
            raise RequestError(400, f"image {index} cannot be read: {error}") from error
        if pixels > MAX_PIXELS:
            raise RequestError(
                413, f"the images have more than {MAX_PIXELS:,} pixels together; send smaller ones"
            )
    files = np.empty(len(images), object)
    files[:] = images
    return files, pixels


def join(batches: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Joins arrays of the same names along their first axis; sorted by name."""
    if len(batches) == 1:
        return dict(sorted(batches[0].items()))
    return {name: np.concatenate([part[name] for part in batches]) for name in sorted(batches[0])}


def to_json(array: np.ndarray):
    """Returns an array as nested lists; float32 keeps its shortest decimal form."""
    if not array.ndim:
        return to_json(array[np.newaxis])[0]
    if array.dtype == np.float32:
        return array.astype("U32").astype(np.float64).tolist()
    if array.dtype == object:
        texts = array.tolist()
        return [to_json(row) for row in array] if array.ndim > 1 else [x.decode() for x in texts]
    return array.tolist()
