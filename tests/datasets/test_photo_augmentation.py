import numpy as np
import pytest
import tensorflow as tf

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import photo_augmentation

IMAGES = np.random.RandomState(0).randint(0, 256, (6, 12, 16, 3)).astype(np.float32)
SEEDS = tf.random.experimental.stateless_split(tf.constant([1, 2]), 6)


def test_a_crop_of_the_whole_area_is_the_image():
    found = photo_augmentation.resized_crops(IMAGES, SEEDS, 1.0)
    np.testing.assert_allclose(found, IMAGES, atol=1e-3)


def test_crops_are_rectangles_of_the_image():
    """In an image whose pixels are their place, a crop is linear in both directions."""
    down, across = np.meshgrid(np.arange(24.0), np.arange(32.0), indexing="ij")
    place = np.stack([down, across, 0 * down], -1).astype(np.float32)[None].repeat(40, 0)
    seeds = tf.random.experimental.stateless_split(tf.constant([1, 2]), 40)
    found = photo_augmentation.resized_crops(place, seeds, 0.25).numpy()
    # Pixels from the first to the last one of a side.
    height = found[:, -1, 0, 0] - found[:, 0, 0, 0] + 1
    width = found[:, 0, -1, 1] - found[:, 0, 0, 1] + 1
    area, ratio = height * width / (24 * 32), width / height
    # Of whole pixels.
    assert 0.2 < area.min() < 0.5 and 0.7 < area.max() <= 1
    assert ratio.min() > 0.65 and ratio.max() < 1.5
    expected = np.linspace(found[:, 0, 0, 1], found[:, 0, -1, 1], 32, axis=1)
    np.testing.assert_allclose(found[:, 5, :, 1], expected, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_colors(channels):
    images = IMAGES[..., :channels]
    found = photo_augmentation.changed_colors(images, SEEDS, 0.4).numpy()
    assert found.shape == images.shape and found.min() >= 0 and found.max() <= 255
    means = found.mean((1, 2, 3)) / images.mean((1, 2, 3))
    assert means.std() > 0.05 and means.min() > 0.5 and means.max() < 1.5
    np.testing.assert_allclose(
        photo_augmentation.changed_colors(images, SEEDS, 1e-6), images, atol=0.01
    )


def test_every_image_has_its_own_changes():
    augment = photo_augmentation.RandAugment(0.5)
    run = tf.function(lambda x, seeds: augment(x, seeds), autograph=False, reduce_retracing=True)
    found, again = run(IMAGES, SEEDS).numpy(), run(IMAGES, SEEDS).numpy()
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(run(IMAGES[2:4], SEEDS[2:4]), found[2:4])
    assert found.min() >= 0 and found.max() <= 255
    equal = run(np.repeat(IMAGES[:1], 6, 0), SEEDS).numpy()
    assert len(np.unique(equal.reshape(6, -1), axis=0)) > 3


def test_an_epoch_can_be_had_from_any_place_on():
    augmentation = datasets.Augmentation(
        flip=True, cutout=4, resized_crop=0.3, color=0.4, rand_augment=0.5
    )
    assert str(augmentation) == (
        "cut to 30% to 100 % of their area, half of them mirrored, a square of 4x4 cut out, other "
        "colours, two changes of RandAugment"
    )
    options = {"mean": [0.5] * 3, "std": [0.2] * 3, "augmentation": augmentation, "seed": 4}
    images, labels = IMAGES.astype(np.uint8), np.arange(6)

    def epoch(number):
        return datasets.batches(images, labels, 2, **options, shuffle=True, epoch=number)

    whole = [x for x, _ in epoch(1).as_numpy_iterator()]
    for one, other in zip(whole[1:], epoch(1).skip(1).as_numpy_iterator(), strict=True):
        np.testing.assert_array_equal(one, other[0])
    assert not np.array_equal(whole[0], next(epoch(2).as_numpy_iterator())[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color": 1.5}, "color is 1.5: give a number from 0, for none, to 1"),
        ({"rand_augment": True}, "rand_augment is True"),
        ({"resized_crop": 0.5, "crop_padding": 4}, "choose one crop"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        datasets.Augmentation(**options)
