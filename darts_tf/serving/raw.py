"""Arrays from the bytes of a tensor and back, as protocols other than JSON send them.

Numbers are little-endian in row-major order. An element of bytes has its length before it, in four
bytes, little-endian.
"""

import itertools
import math
import struct

import numpy as np

from darts_tf.serving import tensors
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import IMAGE_BYTES, Spec

# So many numbers become a list at once; in between, other threads have their turn.
_CHUNK = 2**16


def array(content, spec: Spec, shape, what: str) -> tuple[np.ndarray, int]:
    """The array of a tensor's bytes, and how many pixels or other values it has.

    Args:
        content: the bytes, of any type that is a buffer.
        spec: type and sizes of the input.
        shape: as the request says; it fits the spec.
        what: the name of the input in error messages.

    Raises:
        RequestError: there are more or fewer bytes than the shape needs, or values are refused.
    """
    count, content = math.prod(shape), memoryview(content)
    if spec.dtype == "string":
        return of_elements(_elements(content, count, what), shape, what)
    dtype = np.dtype(spec.dtype).newbyteorder("<")
    if len(content) != count * dtype.itemsize:
        raise RequestError(
            400,
            f"the binary data of {what} has {len(content):,} bytes; its shape {list(shape)} of "
            f"{spec.dtype} needs {count * dtype.itemsize:,}",
        )
    return of_numbers(np.frombuffer(content, dtype).reshape(shape), spec, what)


def of_numbers(values: np.ndarray, spec: Spec, what: str) -> tuple[np.ndarray, int]:
    """Numbers as an array of the spec's type, and how many they are.

    Raises:
        RequestError: a number is not finite, or does not fit into the type.
    """
    if spec.dtype == "float32":
        if not np.isfinite(values).all():
            raise RequestError(
                400, f"{what} contains a number out of range; expected finite numbers"
            )
    elif values.dtype != spec.dtype:
        limits = np.iinfo(spec.dtype)
        low, high = int(values.min()), int(values.max())
        if low < limits.min or high > limits.max:
            outside = low if low < limits.min else high
            raise RequestError(
                400,
                f"{what} contains {outside}; expected whole numbers from {limits.min} to "
                f"{limits.max}",
            )
    return values.astype(spec.dtype, copy=False), values.size


def of_elements(elements: list[bytes], shape, what: str) -> tuple[np.ndarray, int]:
    """Image files or texts as an object array, and how many pixels or characters they have.

    Raises:
        RequestError: an element is no image file, or no text in UTF-8.
    """
    if what == IMAGE_BYTES:
        return tensors.check_encoded_images(elements)
    return tensors.utf8_array(elements, shape, what)


def of_typed(field, spec: Spec, shape, what: str) -> tuple[np.ndarray, int]:
    """The array of a repeated field of a message, without holding up other threads for long.

    Args:
        field: the field: numbers or bytes.
        spec, shape, what: see `array`.

    Raises:
        RequestError: there are more or fewer elements than the shape needs, or values are refused.
    """
    if len(field) != math.prod(shape):
        raise RequestError(
            400,
            f"the data of {what} has {len(field)} elements, which is not what its shape "
            f"{list(shape)!r:.100} needs",
        )
    if spec.dtype == "string":
        return of_elements(list(field), shape, what)
    values = np.empty(len(field), np.float32 if spec.dtype == "float32" else np.int64)
    for start in range(0, len(field), _CHUNK):
        values[start : start + _CHUNK] = field[start : start + _CHUNK]
    return of_numbers(values.reshape(shape), spec, what)


def extend(field, values: np.ndarray) -> None:
    """Appends numbers to a repeated field of a message, likewise."""
    for start in range(0, len(values), _CHUNK):
        field.extend(values[start : start + _CHUNK].tolist())


def to_bytes(values: np.ndarray) -> bytes:
    """The bytes of an array, of which `array` makes the same one."""
    if values.dtype == object:
        elements = values.reshape(-1).tolist()
        lengths = (struct.pack("<I", len(element)) for element in elements)
        return b"".join(itertools.chain.from_iterable(zip(lengths, elements, strict=True)))
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _elements(content: memoryview, count: int, what: str) -> list[bytes]:
    if 4 * count > len(content):
        raise RequestError(
            400,
            f"the binary data of {what} has {len(content):,} bytes; {count:,} elements, each with "
            "its length in 4 bytes before it, need more",
        )
    found, start = [], 0
    for index in range(count):
        end = start + 4
        length = int.from_bytes(content[start:end], "little")
        if end > len(content) or end + length > len(content):
            raise RequestError(
                400,
                f"element {index} of the binary data of {what} goes beyond its end; expected a "
                "length in 4 bytes, little-endian, and so many bytes",
            )
        found.append(bytes(content[end : end + length]))
        start = end + length
    if start != len(content):
        raise RequestError(
            400,
            f"the binary data of {what} has {len(content) - start:,} bytes after its {count:,} "
            "elements",
        )
    return found
