"""The images of a classification as the programs take them."""

import numpy as np
import pytest
from absl import flags
from PIL import Image

from darts_tf import datasets
from darts_tf.common.errors import UserError
from train.data_flags import DataConfig
from train.images import Images
from train.search_flags import SearchConfig

X = np.arange(20 * 64).reshape(20, 8, 8, 1).astype(np.uint8)
Y = np.arange(20) % 2


@pytest.fixture
def data():
    arrays = datasets.from_arrays(X[:16], Y[:16], X[16:], Y[16:], name="pets")
    return Images(DataConfig(), arrays)


def first(batches):
    return next(batches.as_numpy_iterator())


def test_parts(data):
    assert (data.input_shape, data.num_classes) == ((8, 8, 1), 2)
    first_part, second = data.split(data.training, 0.75, seed=0)
    assert (data.size(first_part), data.size(second), data.size(data.test)) == (12, 4, 4)
    expected = datasets.split(data.training.images, data.training.labels, 0.75, 0)
    np.testing.assert_array_equal(first_part.images, expected[0][0])


def test_streams_are_augmented_and_those_in_order_are_not(data):
    stream = data.stream(data.training, 16, seed=3)
    images, labels = first(stream(0))
    again, other = first(stream(0)), first(stream(1))
    np.testing.assert_array_equal(images, again[0])
    assert not np.array_equal(images, other[0])
    plain, in_order = first(data.in_order(data.training))
    np.testing.assert_array_equal(in_order, data.training.labels)
    np.testing.assert_allclose(plain.mean(), 0, atol=1e-5)
    assert sorted(labels) == sorted(in_order)


def test_a_validation_part_of_its_own(data):
    halves = data.with_validation(0.75, seed=0)
    assert [len(part.labels) for part in halves] == [12, 4] and data.validation is None
    arrays = datasets.from_arrays(X[:12], Y[:12], X[16:], Y[16:], x_val=X[12:16], y_val=Y[12:16])
    own = Images(DataConfig(), arrays)
    training, validation = own.with_validation(0.75, seed=0)
    np.testing.assert_array_equal(training.images, X[:12])
    np.testing.assert_array_equal(validation.images, X[12:16])


def test_a_share_of_the_training_images_where_there_is_a_validation_part(tmp_path):
    path = tmp_path / "pets.npz"
    np.savez(path, x_train=X[:12], y_train=Y[:12], x_val=X[12:16], y_val=Y[12:16])
    config = SearchConfig.from_words([f"--dataset={path}", "--train_portion=0.7"])
    with pytest.raises(UserError, match="--train_portion has no meaning: pets has a validation"):
        Images.load(config)
    _, found = Images.load(SearchConfig.from_words([f"--dataset={path}"]))
    assert len(found.validation.labels) == 4 and found.description(True)["validation_examples"] == 4


def test_balanced_class_weights():
    arrays = datasets.from_arrays(X[:16], [0] * 12 + [1] * 4, X[16:], Y[16:])
    weighted = Images(DataConfig(class_weights="balanced"), arrays)
    _, labels, weights = first(weighted.stream(weighted.training, 16, seed=0)(0))
    np.testing.assert_allclose(weights, np.where(labels, 2, 2 / 3), rtol=1e-6)
    # What is measured in the end is of the examples as they are.
    assert len(first(weighted.in_order(weighted.test))) == 2


def test_balanced_sampling():
    arrays = datasets.from_arrays(X[:16], [0] * 12 + [1] * 4, X[16:], Y[16:])
    found = Images(DataConfig(sampling="balanced"), arrays)
    for part, counts in zip(found.with_validation(0.5, seed=0), ((6, 2), (6, 2)), strict=True):
        assert np.bincount(part.labels).tolist() == [*counts]
        images, labels = first(found.stream(part, 8, seed=0)(0))
        assert np.bincount(labels).tolist() == [4, 4]
    both = DataConfig(sampling="balanced", class_weights="balanced")
    with pytest.raises(UserError, match="--class_weights=balanced both make"):
        Images.load(both)


def test_batches_in_order(data):
    assert [len(labels) for _, labels in data.in_order(data.training, 6)] == [6, 6]
    assert [len(labels) for _, labels in data.in_order(data.test)] == [4]
    with pytest.raises(UserError, match="batch size 17 is larger"):
        data.in_order(data.training, 17)


def test_description(data):
    plain = data.description(trains=False)
    assert data.description(trains=True) == plain | {
        "augmentation": {"crop_padding": 1, "flip": False, "cutout": 0}
    }
    assert data.difference(plain, plain) is None
    arrays = datasets.from_arrays(X[:16] ^ 1, Y[:16], X[16:], Y[16:], name="pets")
    changed = Images(DataConfig(), arrays)
    assert "the training images" in data.difference(plain, changed.description(trains=False))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root, random = tmp_path_factory.mktemp("photos"), np.random.RandomState(0)
    for name in ("cat", "dog"):
        (root / name).mkdir()
        for number in range(25):
            pixels = random.randint(0, 256, (9, 9, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def load(photos, *words):
    return Images.load(SearchConfig.from_words([f"--dataset={photos}", *words]))


def test_height_and_width(photos):
    _, found = load(photos, "--image_size=6,12")
    assert found.input_shape == (6, 12, 3)
    assert first(found.stream(found.training, 4, seed=0)(0))[0].shape == (4, 6, 12, 3)
    config = SearchConfig.from_words(["--image_size=8,8"])
    assert config.image_size == 8
    config = SearchConfig.from_words(["--image_size=6,12"])
    assert config.words(["image_size"]) == ["--image_size=6,12"]
    assert SearchConfig.parse("image_size", "6,12") == "6,12"
    for wrong in ("a", "1,2,3", "", "8,10001"):
        with pytest.raises(flags.IllegalFlagValueError):
            SearchConfig.from_words([f"--image_size={wrong}"])


def test_a_cache_is_the_same_data(photos, tmp_path, capsys):
    _, memory = load(photos)
    _, disk = load(photos, f"--cache_dir={tmp_path}")
    assert f"0.0 GB decoded in {tmp_path}\n" in capsys.readouterr().out
    assert memory.description(True) == disk.description(True)
    for part in range(2):
        halves = [data.with_validation(0.5, 3)[part] for data in (memory, disk)]
        streams = [
            data.stream(half, 6, 1)(4) for data, half in zip((memory, disk), halves, strict=True)
        ]
        for one, other in zip(*(stream.as_numpy_iterator() for stream in streams), strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


def test_parts_for_weights_and_architecture(photos):
    config, found = load(photos, "--weight_examples=16", "--architecture_examples=8")
    weights, alphas = found.with_validation(config.train_portion, 0)
    assert np.bincount(weights.labels).tolist() == [8, 8]
    assert np.bincount(alphas.labels).tolist() == [4, 4]
    both = np.concatenate([weights.images, alphas.images]).reshape(24, -1)
    assert len(np.unique(both, axis=0)) == 24
    config, found = load(photos, "--weight_examples=0.5", "--architecture_examples=0.2")
    assert [len(x.labels) for x in found.with_validation(config.train_portion, 0)] == [20, 8]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--weight_examples=9"], "--weight_examples=9 and --architecture_examples=None: give bo"),
        (["--weight_examples=9", "--architecture_examples=0.1"], "as numbers of images or as sha"),
        (
            ["--weight_examples=9", "--architecture_examples=4", "--train_portion=0.3"],
            "--train_portion has no meaning with",
        ),
        (["--weight_examples=39", "--architecture_examples=9"], "48 training examples were asked"),
    ],
)
def test_parts_that_have_no_meaning(photos, words, message):
    with pytest.raises(UserError, match=message):
        load(photos, *words)


@pytest.mark.parametrize(
    ("words", "augment", "crop", "padding"),
    [
        ([], "shift", 0, 8),
        (["--flip"], "resized_crop", 0.08, 0),
        (["--flip", "--nocrop"], "shift", 0, 0),
        (["--augment=color,resized_crop"], "resized_crop,color", 0.08, 0),
        (["--augment=rand_augment"], "rand_augment", 0, 0),
    ],
)
def test_changes_by_size_and_kind(photos, words, augment, crop, padding):
    config, found = load(photos, "--image_size=72,64", *words)
    assert config.augment == augment and config.stem == "space_to_depth" == found.stem
    augmentation = found.augmentation
    assert (augmentation.resized_crop, augmentation.crop_padding) == (crop, padding)
    assert (augmentation.color > 0) == ("color" in augment)
    assert (augmentation.rand_augment > 0) == ("rand_augment" in augment)
    assert load(photos, *words[:1])[0].augment in ("shift", augment)


def test_changes_that_have_no_meaning(photos):
    with pytest.raises(UserError, match="--nocrop contradicts --augment=resized_crop"):
        load(photos, "--nocrop", "--augment=resized_crop")
    for wrong in ("mixup", "color,color", "shift,resized_crop"):
        with pytest.raises(flags.IllegalFlagValueError):
            SearchConfig.from_words([f"--augment={wrong}"])
