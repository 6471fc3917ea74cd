"""What a network predicts for the test images, as files that the report of its training shows."""

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import numpy as np
from PIL import Image

from darts_tf.common import files
from darts_tf.networks.class_predictions import ClassPredictions, predict_classes
from train.task_data import TaskData

_FILE = "predictions.json"
_FOLDER = "mistakes"
# More are not looked at, and larger ones make the report large.
_MOST = 12
_PIXELS = 128


def of_test(network: keras.Model, data: TaskData) -> ClassPredictions | None:
    """The predictions of a trained network for the test part; None where there are no classes."""
    if data.class_names is None:
        return None
    return predict_classes(network, data.in_order(data.test), data.num_classes)


def write(folder, found: ClassPredictions, data: TaskData) -> None:
    """Writes predictions.json, and pictures of the surest mistakes to mistakes/.

    The file holds for every class how many test images it has, how many were recognised, and what
    others were taken for; and of the mistakes the number in the test part, from 0, both classes and
    their probabilities.

    Args:
        folder: of the run.
        found: the predictions for the test part.
        data: images by class.

    Raises:
        UserError: the file system does not take them.
    """
    names, confusion = list(data.class_names), found.confusion
    classes = [
        {
            "name": name,
            "examples": int(row.sum()),
            "right": int(row[number]),
            "taken_for": {
                names[other]: int(row[other]) for other in np.flatnonzero(row) if other != number
            },
        }
        for number, (name, row) in enumerate(zip(names, confusion, strict=True))
    ]
    mistakes = []
    files.make_folder(folder.file(_FOLDER))
    for place, number in enumerate(found.mistakes(_MOST).tolist(), start=1):
        picture = f"{_FOLDER}/{place}.png"
        _write_picture(folder.file(picture), data.test.images[number])
        mistakes.append(
            {
                "example": number,
                "picture": picture,
                "label": names[found.labels[number]],
                "predicted": names[found.classes[number]],
                "probability": float(found.probabilities[number]),
                "label_probability": float(found.label_probabilities[number]),
            }
        )
    # Last, so that all that it names is there.
    folder.write_json(_FILE, {"classes": classes, "mistakes": mistakes})


def _write_picture(path, pixels: np.ndarray) -> None:
    """Writes an image, made smaller where it is large."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    picture.thumbnail((_PIXELS, _PIXELS))
    with files.whole(path) as temporary:
        picture.save(temporary, format="PNG")
