"""Networks for images as files of ONNX and LiteRT."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.export.comparison import Preprocessing, probability_difference, random_images
from darts_tf.export.conversion import Signature
from darts_tf.export.formats import Quantization
from darts_tf.export.other_files import ExportedFile, write_files


class ImageFiles:
    """A network for images, its preprocessing and its classes, to be written as files.

    Args:
        model: the Keras model.
        predict: from uint8 images to `probabilities`, `class_ids` and `class_names`.
        preprocessing: what `predict` was made with.
        class_names: in the order of the logits.
    """

    def __init__(self, model, predict, preprocessing: Preprocessing, class_names: Sequence[str]):
        self._model, self._preprocessing = model, preprocessing
        self._class_names = np.array(class_names, object)
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
            found = probability_difference(
                self._model,
                self._preprocessing,
                some,
                answer,
                tolerance,
                f"; leave {format_name} out of the formats",
            )
            worst = max(worst, found)
            self._check_names(format_name, answer)
        return worst

    def _check_names(self, format_name, answer) -> None:
        names = [x.decode() if isinstance(x, bytes) else x for x in answer["class_names"]]
        expected = self._class_names[answer["class_ids"]].tolist()
        if names != expected:
            raise UserError(
                f"{format_name} calls the classes {names[:3]} where they are {expected[:3]}; "
                f"nothing was exported; leave {format_name} out of the formats"
            )
