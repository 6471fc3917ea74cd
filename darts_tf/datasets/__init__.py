"""Data: where they come from, how they are divided, how they reach the network.

* `load` reads a whole data set of images by its name or its path; `from_arrays` takes arrays.
  `Storage` says where decoded images are: in memory, or in a file from which batches are read.
* `split` divides examples in two, class by class.
* `batches` makes the `tf.data` pipeline of one epoch, with augmentation; `with_class_weights` adds
  weights, such as `balanced_weights`, by which unequal classes count the same, and
  `balanced_order` is an order in which they come equally often.
* `ImageData` holds a data set; `load_description` reads what a run folder keeps about one.
* `load_text` reads a text as a `TextData`; `text_batches` makes the windows of one epoch of it, and
  `text_windows` those of an evaluation.
* `load_series` reads a time series as a `SeriesData`; `series_batches` makes the windows of one
  epoch of it, and `series_windows` those of an evaluation.

They are imported when they are first used, because a server's processes that only read requests
use this package without TensorFlow.
"""

import importlib

_MODULES = {
    "Augmentation": "augmentation",
    "ImageData": "image_data",
    "SeriesData": "series_data",
    "Storage": "storage",
    "StoredImages": "stored_images",
    "TextData": "text_data",
    "balanced_order": "balanced_sampling",
    "balanced_weights": "class_weights",
    "batches": "pipeline",
    "from_arrays": "loading",
    "load": "loading",
    "load_description": "image_data",
    "load_series": "series_loading",
    "load_text": "text_loading",
    "series_batches": "series_pipeline",
    "series_windows": "series_pipeline",
    "split": "splits",
    "text_batches": "text_pipeline",
    "text_windows": "text_pipeline",
    "with_class_weights": "class_weights",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_MODULES])
