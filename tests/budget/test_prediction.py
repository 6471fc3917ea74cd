import numpy as np

from darts_tf.budget.prediction import predict


def test_whole_numbers_are_numbers():
    """Also of a single feature: the linear part of the model goes on beyond what is known."""
    features = np.arange(8)[:, np.newaxis]
    others = np.array([[2], [9]])
    found = predict(features, 3 * np.arange(8), others)
    expected = predict(features.astype(float), 3.0 * np.arange(8), others.astype(float))
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found[0], [6, 27], atol=0.5)
