"""Images and labels: where they come from, how they are divided, how they reach the network.

* `load` reads a whole data set into memory by its name or its path; `from_arrays` takes arrays.
* `split` divides examples in two, class by class.
* `batches` makes the `tf.data` pipeline of one epoch, with augmentation.
* `ImageData` holds a data set; `load_description` reads what a run folder keeps about one.
"""

from darts_tf.datasets.augmentation import Augmentation
from darts_tf.datasets.image_data import ImageData, load_description
from darts_tf.datasets.loading import from_arrays, load
from darts_tf.datasets.pipeline import batches
from darts_tf.datasets.splits import split

__all__ = [
    "Augmentation",
    "ImageData",
    "batches",
    "from_arrays",
    "load",
    "load_description",
    "split",
]
