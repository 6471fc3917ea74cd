import numpy as np
import pytest
import tensorflow as tf

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets.augmentation import crop_and_flip, cutout

RANDOM = np.random.RandomState(0)
# No pixel is 0, so that padding can be told from the image.
IMAGES = RANDOM.randint(1, 256, (50, 6, 7, 3)).astype(np.uint8)
LABELS = np.arange(50)
MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
RAW = {"mean": (0.0,) * 3, "std": (1 / 255,) * 3}  # Keeps pixels as they are, 0 to 255.


def run(batch_size=8, images=IMAGES, labels=LABELS, **options):
    options = {"mean": MEAN, "std": STD, **options}
    return list(datasets.batches(images, labels, batch_size, **options).as_numpy_iterator())


def joined(batches):
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


def assert_equal(left, right):
    assert len(left) == len(right)
    for (x, y), (other_x, other_y) in zip(left, right, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)


def test_without_options_images_are_normalised_in_order():
    batches = run()
    assert [len(y) for _, y in batches] == [8] * 6 + [2]
    images, labels = joined(batches)
    assert images.dtype == np.float32 and labels.dtype == np.int32
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_allclose(images, (IMAGES / 255 - MEAN) / STD, rtol=1e-5, atol=1e-6)


def test_shapes_are_known_before_it_runs():
    spec = datasets.batches(IMAGES, LABELS, 8, mean=MEAN, std=STD).element_spec
    assert spec[0].shape.as_list() == [None, 6, 7, 3] and spec[1].shape.as_list() == [None]
    full = datasets.batches(IMAGES, LABELS, 8, mean=MEAN, std=STD, drop_remainder=True)
    assert full.element_spec[0].shape.as_list() == [8, 6, 7, 3]
    assert int(full.cardinality()) == 6


def test_drop_remainder_leaves_the_last_batch_out():
    assert [len(y) for _, y in run(drop_remainder=True)] == [8] * 6


@pytest.mark.parametrize("shuffle", [False, True])
def test_every_example_comes_once_an_epoch(shuffle):
    assert sorted(joined(run(shuffle=shuffle))[1]) == list(range(50))


def test_images_stay_with_their_labels_when_shuffled():
    images, labels = joined(run(shuffle=True, **RAW))
    np.testing.assert_allclose(images, IMAGES[labels], atol=1e-3)


def test_order_and_augmentation_are_a_function_of_seed_and_epoch():
    augmentation = datasets.Augmentation(crop_padding=2, flip=True, cutout=3)
    options = {"augmentation": augmentation, "shuffle": True}
    reference = run(seed=3, epoch=5, **options)
    assert_equal(reference, run(seed=3, epoch=5, **options))
    for other in (run(seed=3, epoch=6, **options), run(seed=4, epoch=5, **options)):
        assert joined(other)[1].tolist() != joined(reference)[1].tolist()


def test_augmentation_changes_from_epoch_to_epoch_without_shuffling():
    augmentation = datasets.Augmentation(crop_padding=2)
    first, second = (joined(run(augmentation=augmentation, epoch=e))[0] for e in (0, 1))
    same = [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert sum(same) < 15  # 25 windows: 2 of 50 images are expected to agree.


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_skip_resumes_exactly(steps):
    augmentation = datasets.Augmentation(crop_padding=2, flip=True, cutout=3)
    options = {"augmentation": augmentation, "shuffle": True, "mean": MEAN, "std": STD, "epoch": 2}
    dataset = datasets.batches(IMAGES, LABELS, 8, **options)
    resumed = datasets.batches(IMAGES, LABELS, 8, **options).skip(steps)
    assert_equal(list(dataset.as_numpy_iterator())[steps:], list(resumed.as_numpy_iterator()))


def numpy_crop_and_flip(image, top, left, flipped, padding):
    padded = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    window = padded[top : top + image.shape[0], left : left + image.shape[1]]
    return window[:, ::-1] if flipped else window


def test_crop_and_flip_against_numpy():
    tops, lefts = RANDOM.randint(0, 5, 50), RANDOM.randint(0, 5, 50)
    flipped = RANDOM.randint(0, 2, 50).astype(bool)
    result = crop_and_flip(
        tf.constant(IMAGES), tf.constant(tops, tf.int32), tf.constant(lefts, tf.int32), flipped, 2
    )
    for image, output, *draw in zip(IMAGES, result.numpy(), tops, lefts, flipped, strict=True):
        np.testing.assert_array_equal(output, numpy_crop_and_flip(image, *draw, 2))


def test_each_image_is_cropped_and_flipped_by_itself():
    images = np.concatenate([IMAGES] * 4)
    labels = np.arange(200)
    batches = run(
        100, images, labels, augmentation=datasets.Augmentation(crop_padding=1, flip=True), **RAW
    )
    found = []
    for output, label in zip(*joined(batches), strict=True):
        found += [
            (top, left, flipped)
            for top in range(3)
            for left in range(3)
            for flipped in (False, True)
            if np.allclose(
                output, numpy_crop_and_flip(images[label], top, left, flipped, 1), atol=1e-3
            )
        ]
    assert len(found) == 200  # Each output is exactly one of the 18 possible windows of its image.
    assert len(set(found)) == 18
    assert 70 < sum(flipped for *_, flipped in found) < 130  # 100 expected, deviation 7.
    for axis in (0, 1):
        counts = np.bincount([draw[axis] for draw in found])
        assert len(counts) == 3 and counts.min() > 40  # 67 expected, deviation 7.


def test_flip_alone_leaves_half_the_images_as_they_were():
    images, labels = joined(run(50, augmentation=datasets.Augmentation(flip=True), **RAW))
    plain = [np.allclose(x, IMAGES[y], atol=1e-3) for x, y in zip(images, labels, strict=True)]
    mirrored = [
        np.allclose(x, IMAGES[y][:, ::-1], atol=1e-3) for x, y in zip(images, labels, strict=True)
    ]
    assert sum(plain) + sum(mirrored) == 50
    assert 10 < sum(plain) < 40


@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_cutout_against_numpy(length):
    images = IMAGES.astype(np.float32)
    rows, columns = RANDOM.randint(0, 6, 50), RANDOM.randint(0, 7, 50)
    result = cutout(
        tf.constant(images), tf.constant(rows, tf.int32), tf.constant(columns, tf.int32), length
    )
    for image, output, row, column in zip(images, result.numpy(), rows, columns, strict=True):
        expected = image.copy()
        for y in range(row - length // 2, row - length // 2 + length):
            for x in range(column - length // 2, column - length // 2 + length):
                if 0 <= y < 6 and 0 <= x < 7:
                    expected[y, x] = 0
        np.testing.assert_array_equal(output, expected)


def test_cutout_sets_the_mean_colour_and_its_centre_is_anywhere():
    images = np.full((2000, 4, 4, 1), 200, np.uint8)
    outputs, _ = joined(
        run(
            500, images, np.zeros(2000, int), mean=(0.4,), std=(0.2,),
            augmentation=datasets.Augmentation(cutout=1),
        )
    )  # fmt: skip
    holes = outputs[..., 0] == 0  # Zero after normalisation is the mean colour.
    assert (holes.sum(axis=(1, 2)) == 1).all()
    counts = holes.sum(axis=0)
    assert counts.min() > 80 and counts.max() < 170  # 125 expected, deviation 11.


def test_padding_is_black_not_the_mean():
    images = np.full((20, 4, 4, 1), 255, np.uint8)
    augmentation = datasets.Augmentation(crop_padding=3)
    outputs, _ = joined(
        run(20, images, np.zeros(20, int), mean=(0.5,), std=(0.5,), augmentation=augmentation)
    )
    assert set(np.unique(outputs)) == {-1.0, 1.0}


def test_augmentation_suited_to_an_image_size():
    data = datasets.load("digits")
    suited = datasets.Augmentation.suited_to(data, cutout=True)
    assert suited == datasets.Augmentation(crop_padding=1, flip=False, cutout=4)
    assert datasets.Augmentation.suited_to(data).cutout == 0


def test_augmentation_in_words():
    everything = datasets.Augmentation(crop_padding=4, flip=True, cutout=16)
    assert (
        str(everything)
        == "shifted by up to 4 pixels, half of them mirrored, a square of 16x16 cut out"
    )
    assert str(datasets.Augmentation(crop_padding=1)).startswith("shifted by up to 1 pixel, not ")
    assert str(datasets.Augmentation()) == "not shifted, not mirrored, nothing cut out"


def test_a_distribution_strategy_takes_it():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    dataset = datasets.batches(IMAGES, LABELS, 8, mean=MEAN, std=STD)
    labels = [y.numpy() for _, y in strategy.experimental_distribute_dataset(dataset)]
    assert np.concatenate(labels).tolist() == list(range(50))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES[1:]}, "49 images have 50 labels"),
        ({"images": IMAGES.astype(np.float32)}, "images have type float32"),
        ({"images": IMAGES[0]}, r"shape \[6, 7, 3\]: expected uint8"),
        ({"labels": LABELS / 1}, "labels have type float64"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "there are no examples"),
        ({"batch_size": 0}, "batch size is 0"),
        ({"batch_size": 51, "drop_remainder": True}, "batch size 51 is larger than the 50"),
        ({"mean": (0.5,)}, "3 channels, but mean has 1 values"),
        ({"std": (1, 1, 0)}, "std positive"),
        ({"mean": (0, 0, float("nan"))}, "must be finite"),
        ({"augmentation": datasets.Augmentation(crop_padding=6)}, "crop padding 6 is too large"),
        ({"augmentation": datasets.Augmentation(cutout=7)}, "cutout 7 .* choose at most 6"),
        ({"epoch": -1}, "seed -1 is out of range"),
    ],
)  # fmt: skip
def test_errors(change, message):
    with pytest.raises(UserError, match=message) as caught:
        run(**change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"crop_padding": -1}, {"cutout": 1.5}, {"crop_padding": True}])
def test_augmentation_refuses_what_is_no_number_of_pixels(options):
    with pytest.raises(UserError, match="give a number of pixels"):
        datasets.Augmentation(**options)
