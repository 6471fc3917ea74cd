import numpy as np

from darts_tf.datasets import pixels


def test_large_pictures_over_white_equal_the_formula():
    image = np.random.default_rng(0).integers(0, 256, [2, 181, 191, 4], np.uint8)
    colour, alpha = image[..., :3].astype(float), image[..., 3:] / 255
    expected = np.rint(colour * alpha + 255 * (1 - alpha))
    assert image[..., 0].size > pixels._PART
    np.testing.assert_array_equal(pixels.over_white(image), expected)
