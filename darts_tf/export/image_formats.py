"""Networks for images as files of ONNX and LiteRT."""

from collections.abc import Collection
from pathlib import Path

import tensorflow as tf

from darts_tf.export.comparison import Preprocessing, answer_difference, random_images
from darts_tf.export.conversion import Signature
from darts_tf.export.formats import Quantization
from darts_tf.export.other_files import ExportedFile, write_files


class ImageFiles:
    """A network for images, its preprocessing and its answers, to be written as files.

    Args:
        model: the Keras model.
        predict: from uint8 images to answers by name, such as `probabilities`.
        preprocessing: what `predict` was made with.
    """

    def __init__(self, model, predict, preprocessing: Preprocessing):
        self._model, self._preprocessing = model, preprocessing
        spec = tf.TensorSpec([None, *preprocessing.image_shape], tf.uint8, name="images")
        self._signature = Signature(model, predict, [spec])

    def write(
        self, folder: Path, formats: Collection[str], quantization: Quantization | None
    ) -> tuple[ExportedFile, ...]:
        """Writes the files and compares them; see `darts_tf.export.other_files.write_files`."""
        return write_files(
            folder, formats, lambda format_name: self._signature, self._compare, quantization
        )

    def _compare(self, format_name, run, tolerance: float) -> float:
        images = random_images(self._preprocessing)
        worst = 0.0
        # The batch may have any size.
        for some in (images, images[:1]):
            answer = run(images=some)
            found = answer_difference(
                self._model,
                self._preprocessing,
                some,
                answer,
                tolerance,
                f"; leave {format_name} out of the formats",
            )
            worst = max(worst, found)
            self._preprocessing.answers.check_names(format_name, answer)
        return worst
