"""The formats that a network is exported in, and the packages that they need."""

import importlib.util
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from darts_tf.common.errors import UserError

SAVED_MODEL, ONNX, LITERT = "savedmodel", "onnx", "litert"
#: Format -> the packages that it needs besides those of training, and what they are imported as.
_PACKAGES = {
    SAVED_MODEL: {},
    ONNX: {"tf2onnx": "tf2onnx", "onnx": "onnx", "onnxruntime": "onnxruntime"},
    LITERT: {"ai-edge-litert": "ai_edge_litert"},
}
FORMATS = tuple(_PACKAGES)
INT8, FLOAT16 = "int8", "float16"
QUANTIZATIONS = (INT8, FLOAT16)


class Options(NamedTuple):
    """Where in its folder an export goes, and in which formats; see `export_network`."""

    version: int = 1
    overwrite: bool = False
    formats: Sequence[str] = (SAVED_MODEL,)


class Quantization(NamedTuple):
    """How the LiteRT file is made smaller, and on what it is tried.

    Attributes:
        kind: "int8": weights and what is computed in whole numbers of 8 bits, whose ranges are
            those that occur on `images`; "float16": weights in 16 bits, computed in 32.
        images: training images, uint8 `[N, H, W, C]`; only int8 needs them.
        test_images: uint8 `[M, H, W, C]`, to tell the accuracy on; None not to.
        test_labels: integers `[M]`.
    """

    kind: str
    images: np.ndarray | None = None
    test_images: np.ndarray | None = None
    test_labels: np.ndarray | None = None


def check_formats(formats: Sequence[str], quantize: str | None = None) -> None:
    """Refuses formats that there are not, or whose packages are missing.

    Args:
        formats: their names.
        quantize: the kind of the quantization, None for none.

    Raises:
        UserError: says what was expected, or what to install.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats or len(set(formats)) < len(formats):
        raise UserError(
            f"the formats are {','.join(formats)!r}; expected one or more different ones of "
            f"{', '.join(FORMATS)}"
        )
    if quantize is not None and quantize not in QUANTIZATIONS:
        raise UserError(
            f"the quantization is {quantize!r}; expected one of {', '.join(QUANTIZATIONS)}"
        )
    if quantize is not None and LITERT not in formats:
        raise UserError(
            f"a quantization to {quantize} is of {LITERT} alone, and the formats are "
            f"{','.join(formats)}: add {LITERT}"
        )
    needed = {package: module for name in formats for package, module in _PACKAGES[name].items()}
    missing = [package for package, module in needed.items() if not _installed(module)]
    if missing:
        raise UserError(
            f"exporting to {' and '.join(f for f in formats if _PACKAGES[f])} needs "
            f"{' and '.join(missing)}; install with: pip install -r requirements-export.txt"
        )


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
