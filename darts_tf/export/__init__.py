"""A trained network as a SavedModel, as ONNX and as LiteRT.

* `export_model` writes a network for images with its preprocessing inside.
* `export_language_model` writes one that goes on with texts.
* `export_forecaster` writes one that foretells a series.
* `export_network` writes that of any other task.

They are imported when they are first used, because a program that refuses a flag should not import
TensorFlow before.
"""

import importlib

_MODULES = {
    "ExportResult": "export",
    "ExportedFile": "other_files",
    "NetworkExport": "network",
    "Quantization": "formats",
    "TOLERANCE": "comparison",
    "arguments_of": "of_run",
    "export_forecaster": "forecaster",
    "export_language_model": "language_model",
    "export_model": "export",
    "export_network": "network",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_MODULES])
