import numpy as np

from darts_tf.datasets import pixels


def test_large_pictures_over_white_equal_the_formula():
    image = np.random.default_rng(0).integers(0, 256, [2, 181, 191, 4], np.uint8)
    colour, alpha = image[..., :3].astype(float), image[..., 3:] / 255
    expected = np.rint(colour * alpha + 255 * (1 - alpha))
    assert image[..., 0].size > pixels._PART
    np.testing.assert_array_equal(pixels.over_white(image), expected)


def test_the_middle_of_an_image():
    image = np.arange(40 * 80).reshape(40, 80, 1)
    # As ImageNet is evaluated: 7/8 of the shorter side, in the middle.
    np.testing.assert_array_equal(pixels.middle(image, (224, 224), 0.875), image[2:37, 22:57])
    # Of the proportions of the network's images; here they fit as they are.
    np.testing.assert_array_equal(pixels.middle(image, (10, 20), 1.0), image)
    np.testing.assert_array_equal(pixels.middle(image, (20, 10), 0.5), image[10:30, 35:45])
    assert pixels.middle(image, (4, 4), 1e-3).shape == (1, 1, 1)
