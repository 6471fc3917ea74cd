import json

import numpy as np
import pytest
from PIL import Image

from darts_tf import datasets
from darts_tf.networks.class_predictions import ClassPredictions
from darts_tf.runs.run_folder import RunFolder
from train import predictions
from train.data_flags import DataConfig
from train.images import Images


@pytest.fixture(params=[(8, 6, 1), (8, 6, 3), (200, 300, 3)], ids=str)
def images(request):
    return np.random.default_rng(0).integers(0, 256, (3, *request.param)).astype(np.uint8)


def test_what_is_written(images, tmp_path):
    """Two of three are wrong, and the second of them is the surer one."""
    labels = [0, 1, 1]
    arrays = datasets.from_arrays(images, [0, 1, 2], images, labels, ["a", "b", "c"])
    found = ClassPredictions(
        np.array(labels),
        np.array([2, 1, 0]),
        np.array([0.5, 0.8, 0.9]),
        np.array([0.4, 0.8, 0.1]),
        3,
    )
    folder = RunFolder(tmp_path / "RUN", {"program": "evaluate"})
    predictions.write(folder, found, Images(DataConfig(), arrays))
    written = json.loads((tmp_path / "RUN/predictions.json").read_text())
    assert written["classes"] == [
        {"name": "a", "examples": 1, "right": 0, "taken_for": {"c": 1}},
        {"name": "b", "examples": 2, "right": 1, "taken_for": {"a": 1}},
        {"name": "c", "examples": 0, "right": 0, "taken_for": {}},
    ]
    assert written["mistakes"] == [
        {
            **{"example": 2, "picture": "mistakes/1.png", "label": "b", "predicted": "a"},
            **{"probability": 0.9, "label_probability": 0.1},
        },
        {
            **{"example": 0, "picture": "mistakes/2.png", "label": "a", "predicted": "c"},
            **{"probability": 0.5, "label_probability": 0.4},
        },
    ]
    for mistake in written["mistakes"]:
        picture = np.asarray(Image.open(tmp_path / "RUN" / mistake["picture"]))
        image = images[mistake["example"]]
        if len(image) > 8:
            assert picture.shape == (85, 128, 3)
        else:
            np.testing.assert_array_equal(picture.reshape(image.shape), image)
