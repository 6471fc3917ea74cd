import numpy as np
import pytest

from darts_tf import datasets
from darts_tf.common.errors import UserError

RANDOM = np.random.RandomState(0)
X = RANDOM.randint(0, 256, (40, 5, 6, 3)).astype(np.uint8)
Y = np.arange(40) % 4


def save(folder, **arrays):
    path = folder / "shapes.npz"
    np.savez(path, **arrays)
    return str(path)


def test_npz_with_test_part(tmp_path):
    path = save(
        tmp_path, x_train=X, y_train=Y, x_test=X[:8], y_test=Y[:8], class_names=list("wxyz")
    )
    data = datasets.load(path)
    assert data.name == "shapes" and data.class_names == ("w", "x", "y", "z")
    # Nobody knows what they show: mirrored digits are other ones.
    assert not data.flip and not data.cutout and data.version is None
    assert data.image_shape == (5, 6, 3) and data.num_classes == 4
    np.testing.assert_array_equal(data.train_images, X)
    np.testing.assert_array_equal(data.train_labels, Y)
    np.testing.assert_array_equal(data.test_images, X[:8])
    assert data.train_labels.dtype == data.test_labels.dtype == np.int32
    np.testing.assert_allclose(data.mean, (X / 255).mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(data.std, (X / 255).std(axis=(0, 1, 2)), rtol=1e-12)


@pytest.mark.parametrize("name", ["val", "valid", "validation", "dev"])
def test_npz_with_validation_part(tmp_path, name, caplog):
    others = {f"x_{name}": X[:4], f"y_{name}": Y[:4]}
    data = datasets.load(save(tmp_path, x_train=X, y_train=Y, **others))
    np.testing.assert_array_equal(data.validation_images, X[:4])
    np.testing.assert_array_equal(data.validation_labels, Y[:4])
    assert "not used" not in caplog.text
    with pytest.raises(UserError, match="only one of x_val and y_val"):
        datasets.load(save(tmp_path, x_train=X, y_train=Y, x_val=X))
    with pytest.raises(UserError, match="y_val holds label 9, which no training image has"):
        datasets.from_arrays(X, Y, x_val=X[:1], y_val=[9])
    with pytest.raises(UserError, match="but validation images are 4x4x3"):
        datasets.from_arrays(X, Y, x_val=X[:, :4, :4], y_val=Y)


def test_without_test_part_a_fifth_is_held_out_whatever_the_seed(tmp_path):
    path = save(tmp_path, x_train=X, y_train=Y)
    data, other = datasets.load(path), datasets.load(path, seed=7)
    assert np.bincount(data.train_labels).tolist() == [8] * 4
    assert np.bincount(data.test_labels).tolist() == [2] * 4
    np.testing.assert_array_equal(data.test_images, other.test_images)
    everything = np.concatenate([data.train_images, data.test_images]).reshape(40, -1)
    assert {tuple(row) for row in everything} == {tuple(row) for row in X.reshape(40, -1)}


def test_train_examples_keeps_the_test_part_and_the_shares():
    data = datasets.from_arrays(X, Y, X, Y, train_examples=8, seed=1)
    assert np.bincount(data.train_labels).tolist() == [2] * 4
    assert len(data.test_labels) == 40
    other = datasets.from_arrays(X, Y, X, Y, train_examples=8, seed=2)
    assert not np.array_equal(data.train_images, other.train_images)


def test_text_labels_are_numbered_alphabetically():
    names = np.array(["dog", "cat", "eel", "bee"])[Y]
    data = datasets.from_arrays(X, names, X, names)
    assert data.class_names == ("bee", "cat", "dog", "eel")
    assert data.train_labels[:4].tolist() == [2, 1, 3, 0]


def test_class_names_give_the_order_of_text_labels():
    names = np.array(["dog", "cat"])[Y % 2]
    data = datasets.from_arrays(X, names, X, names, class_names=["dog", "cat"])
    assert data.train_labels[:2].tolist() == [0, 1]


def test_sixteen_bits_are_scaled_by_those_that_are_used():
    images = np.zeros((20, 4, 4), np.uint16)
    images[:, 0, 0] = 4095
    images[:, 0, 1] = 2048
    labels = np.arange(20) % 2
    data = datasets.from_arrays(images, labels)
    assert data.bit_depth == 12 and data.train_images[0, 0, :3, 0].tolist() == [255, 128, 0]
    # In either array.
    data = datasets.from_arrays(images, labels, images * 16, labels)
    assert data.bit_depth == 16 and data.train_images[0, 0, 0] == 16
    assert data.test_images[0, 0, 0] == 255
    # Alpha is a share of 65535.
    colours = np.full((20, 4, 4, 4), 1023, np.uint16)
    colours[..., 3] = 65535
    colours[:, 0, 0, 3] = 0
    colours[:, 0, 0, :3] = 0
    data = datasets.from_arrays(colours, labels)
    assert data.bit_depth == 10 and data.train_images.min() == 255
    assert datasets.from_arrays(np.minimum(images, 255), labels).bit_depth == 8


def test_floats_are_rounded_to_256_levels():
    levels = np.linspace(0, 1, 256).reshape(1, 16, 16).repeat(4, 0)
    data = datasets.from_arrays(levels, [0, 0, 1, 1], levels, [0, 0, 1, 1])
    assert data.image_shape == (16, 16, 1)
    np.testing.assert_array_equal(data.train_images[0].ravel(), np.arange(256))


def test_alpha_is_laid_over_white():
    x = np.zeros((4, 4, 4, 4), np.uint8)
    x[..., 0] = 100
    x[:, :, 2:, 3] = 255
    x[:, 0, 0, 3] = 51  # A fifth: 0.2 * 100 + 0.8 * 255 = 224, 0.8 * 255 = 204.
    data = datasets.from_arrays(x, [0, 0, 1, 1], x, [0, 0, 1, 1])
    assert data.train_images[0, 0, 0].tolist() == [224, 204, 204]
    assert data.train_images[0, 1, 0].tolist() == [255, 255, 255]
    assert data.train_images[0, 1, 3].tolist() == [100, 0, 0]


def test_labels_in_one_column_are_accepted():
    assert datasets.from_arrays(X, Y[:, np.newaxis], X, Y).train_labels.tolist() == Y.tolist()


def test_image_size_resizes():
    halves = np.zeros((4, 8, 8, 1), np.uint8)
    halves[:, :, 4:] = 200
    data = datasets.from_arrays(halves, [0, 0, 1, 1], image_size=(4, 16))
    assert data.image_shape == (4, 16, 1)
    assert data.train_images[0, 0, 0] == 0 and data.train_images[0, 0, -1] == 200
    assert abs(data.train_images[0].mean() - 100) < 1


def test_std_of_a_constant_channel_is_one_grey_level():
    x = np.full((4, 4, 4, 1), 51, np.uint8)
    data = datasets.from_arrays(x, [0, 0, 1, 1])
    assert data.mean == pytest.approx((0.2,)) and data.std == pytest.approx((1 / 255,))


NAN = X / 255
NAN[3, 2, 1, 0] = np.nan
INF = X / 255
INF[3, 2, 1, 0] = np.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": NAN}, "x_train holds NaN or infinite values"),
        ({"x_train": INF}, "x_train holds NaN or infinite values"),
        ({"x_train": X / 254}, "x_train holds floats from 0 to 1.00394: floats must be"),
        ({"x_train": X / 255 - 0.5}, "x_train holds floats from -0.5"),
        ({"x_train": X.astype(np.int64)}, "x_train has type int64"),
        ({"x_train": X[0, 0]}, r"x_train has shape \[6, 3\]"),
        ({"x_train": X[np.newaxis]}, r"x_train has shape \[1, 40, 5, 6, 3\]"),
        ({"x_train": X[..., :2]}, "x_train has 2 channels"),
        ({"x_train": X[..., [0, 1, 2, 0, 1]]}, "x_train has 5 channels"),
        ({"x_train": X[:, :3]}, "3x6 pixels is too small, images need at least 4x4"),
        ({"x_train": X[:0], "y_train": Y[:0]}, "x_train is empty"),
        ({"y_train": Y[1:]}, "y_train has 39 labels for 40 images"),
        ({"y_train": Y - 1}, "y_train holds -1: labels count from 0"),
        ({"y_train": Y / 1}, "y_train has type float64"),
        ({"y_train": Y * 2}, "no training image has label 1 although labels go up to 6"),
        ({"y_train": Y + 10**9}, "no training image has label 0"),
        ({"y_train": np.eye(4, dtype=int)[Y]}, r"shape \[40, 4\]: expected \[40\]; use argmax"),
        ({"y_train": Y * 0}, "a single class with examples: at least 2 are needed"),
        ({"x_test": X}, "has only one of x_test and y_test"),
        ({"x_test": X, "y_test": Y + 1}, "y_test holds label 4, which no training image has"),
        ({"x_test": X, "y_test": Y.astype(str)}, "y_train holds integers but y_test holds text"),
        ({"x_test": X[:, :4], "y_test": Y}, "training images are 5x6x3 but test images are 4x6x3"),
        ({"x_test": X[..., 0], "y_test": Y}, "test images are 5x6x1"),
        ({"class_names": list("abc")}, "y_train holds 3, but class_names has 3 names"),
        ({"class_names": list("abcde")}, "no training image has label 4"),
        ({"class_names": list("aabc")}, "class_names has a name twice"),
        ({"y_train": Y.astype(str), "class_names": list("012")}, "y_train holds '3'"),
        ({"y_train": Y.astype(str), "class_names": list("01234")}, "class '4' in class_names"),
        ({"train_examples": 33}, "33 training examples were asked for, but there are only 32"),
        ({"train_examples": 3}, "3 training examples cannot cover 4 classes"),
        ({"image_size": 3}, "image size: 3x3 pixels is too small"),
        ({"image_size": (8, 8, 3)}, "give one number of pixels or a height and a width"),
        ({"image_size": 8.5}, "image size is 8.5"),
    ],
)  # fmt: skip
def test_errors(change, message):
    with pytest.raises(UserError, match=message) as caught:
        datasets.from_arrays(**{"x_train": X, "y_train": Y, **change})
    assert "\n" not in str(caught.value)


def test_npz_without_the_arrays(tmp_path):
    path = save(tmp_path, images=X, y_train=Y)
    with pytest.raises(UserError, match=r"has no array x_train \(it has y_train, images\)"):
        datasets.load(path)


def test_npz_that_is_damaged(tmp_path):
    path = tmp_path / "cut.npz"
    np.savez(path, x_train=X, y_train=Y)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot read .*cut.npz as an .npz file"):
        datasets.load(str(path))
    damaged = bytearray(whole)
    damaged[3000] ^= 255
    path.write_bytes(damaged)
    with pytest.raises(UserError, match="cannot read .*cut.npz as an .npz file"):
        datasets.load(str(path))


def test_npz_with_objects_is_refused(tmp_path):
    path = save(tmp_path, x_train=X, y_train=np.array(list("abcd"), object)[Y])
    with pytest.raises(UserError, match="store text as str, not as objects"):
        datasets.load(path)


def test_more_data_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("darts_tf.datasets.source.available_memory", lambda: 1000)
    with pytest.raises(UserError, match="GB in memory and 0.0 GB are free: choose a smaller"):
        datasets.load(save(tmp_path, x_train=X, y_train=Y))
