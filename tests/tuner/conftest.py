import keras
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits():
    """Sixty training images and labels, and forty of validation."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 8 - 1).astype("float32")
    return images[:60], labels[:60], images[60:100], labels[60:100]


@pytest.fixture(scope="session")
def one_cell():
    """The name of a space whose network is a single small cell: quick to trace."""
    from darts_tf import macros, spaces

    macros.register(
        macros.Staged(
            "one_cell",
            stem=lambda channels: keras.layers.Conv2D(channels, 3, strides=2),
            reduction=lambda channels: keras.layers.Conv2D(channels, 1),
            stages=1,
            cells=1,
        )
    )
    space = spaces.Space(
        "one_cell",
        ("none", "skip_connect", "nor_conv_1x1"),
        nodes=2,
        inputs=1,
        edges_per_node=1,
        cell_types=("normal",),
        output="last",
        preprocess=None,
        normalized_pooling=False,
        macro="one_cell",
    )
    return spaces.register(space).name
