import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits():
    """Sixty training images and labels, and forty of validation."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 8 - 1).astype("float32")
    return images[:60], labels[:60], images[60:100], labels[60:100]
