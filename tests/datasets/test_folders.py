import dataclasses

import numpy as np
import pytest
from PIL import Image

from darts_tf import datasets
from darts_tf.common.errors import UserError


def put(path, value=100, size=(6, 5), mode="RGB"):
    """Saves an image of one colour; `size` is height and width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size[::-1], value).save(path)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pets"
    for number in range(5):
        put(root / "cat" / f"{number}.png", (10 + number, 20, 30))
        put(root / "dog" / f"{number}.png", (200 + number, 20, 30))
    return root


def test_classes_are_folders_and_a_fifth_is_held_out(folder):
    data = datasets.load(str(folder))
    assert data.name == "pets" and data.class_names == ("cat", "dog")
    assert not data.flip and not data.cutout and data.version is None
    assert data.image_shape == (6, 5, 3)
    assert np.bincount(data.train_labels).tolist() == [4, 4]
    assert np.bincount(data.test_labels).tolist() == [1, 1]
    red = [*data.train_images[:, 0, 0, 0], *data.test_images[:, 0, 0, 0]]
    assert sorted(red) == [10, 11, 12, 13, 14, 200, 201, 202, 203, 204]
    np.testing.assert_array_equal(data.train_images[:, 0, 0, 0] >= 200, data.train_labels)


def test_train_and_test_folders(tmp_path):
    for part, count in (("train", 3), ("test", 2)):
        for name in ("a", "b"):
            for number in range(count):
                put(tmp_path / part / name / f"{number}.png", number, mode="L")
    data = datasets.load(str(tmp_path))
    assert data.image_shape == (6, 5, 1)
    assert len(data.train_labels) == 6 and len(data.test_labels) == 4
    assert data.test_images[:, 0, 0, 0].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "VALID", "Test"), ("TRAIN", "dev", "testing")]
)
def test_parts_of_ones_own_in_any_case(tmp_path, names, caplog):
    for part, (name, count) in enumerate(zip(names, (3, 2, 1), strict=True)):
        for label in ("a", "b"):
            for number in range(count):
                put(tmp_path / name / label / f"{number}.png", 50 * part + number, mode="L")
    data = datasets.load(str(tmp_path))
    found = data.train_images, data.validation_images, data.test_images
    pixels = [images[:, 0, 0, 0].tolist() for images in found]
    assert pixels == [[0, 1, 2, 0, 1, 2], [50, 51, 50, 51], [100, 100]]
    assert data.validation_labels.tolist() == [0, 0, 1, 1] and not caplog.records
    # The training part alone decides the normalisation.
    assert data.mean[0] == pytest.approx(1 / 255)
    description = data.description()
    assert description["validation_examples"] == 4
    other = dataclasses.replace(data, validation_labels=1 - data.validation_labels).description()
    assert "labels of the validation im" in datasets.fingerprint.difference(description, other)


def test_a_validation_part_alone_leaves_the_test_to_the_training_part(tmp_path):
    for name, count in (("train", 5), ("Validation", 1)):
        for label in ("a", "b"):
            for number in range(count):
                put(tmp_path / name / label / f"{number}.png", number, mode="L")
    data = datasets.load(str(tmp_path))
    counts = len(data.train_labels), len(data.validation_labels), len(data.test_labels)
    assert counts == (8, 2, 2)
    before = {k: v for k, v in data.description().items() if k != "validation_examples"}
    difference = datasets.fingerprint.difference(before, data.description())
    assert difference == "the number of validation images was 0 and is now 2"


def test_two_folders_of_one_part(tmp_path):
    for name in ("train", "val", "valid"):
        put(tmp_path / name / "a" / "1.png")
    with pytest.raises(UserError, match="both val and valid: put all validation images into one"):
        datasets.load(str(tmp_path))


def test_every_format_is_read(tmp_path):
    extensions = ("png", "jpg", "JPEG", "bmp", "gif", "tif", "TIFF", "webp", "ppm", "tga", "jp2")
    for number, extension in enumerate(extensions):
        for name in ("a", "b"):
            put(tmp_path / name / f"{number}.{extension}", (40, 80, 160))
    (tmp_path / ".hidden").mkdir()
    data = datasets.load(str(tmp_path))
    images = np.concatenate([data.train_images, data.test_images]).astype(int)
    assert len(images) == 22
    assert np.abs(images - [40, 80, 160]).max() <= 3  # JPEG is not exact.


def test_what_is_left_out_is_counted(folder, caplog):
    for number in range(3):
        (folder / "cat" / f"{number}.heic").write_bytes(b"")
    (folder / "dog" / "1.eps").write_bytes(b"")
    (folder / "dog" / "README").write_bytes(b"")
    (folder / "dog" / ".DS_Store").write_bytes(b"")
    (folder / "dog" / "more").mkdir()
    with caplog.at_level("WARNING"):
        data = datasets.load(str(folder))
    assert len(data.train_labels) + len(data.test_labels) == 10
    (line,) = [record.getMessage() for record in caplog.records]
    start = f"{folder}: left out: 3 .heic (not a type of image that Pillow reads), "
    assert line.startswith(start)
    assert sorted(line.removeprefix(start).split(", ")) == [
        "1 .eps (Pillow needs another program to read it)",
        "1 folder in class folders (not looked into)",
        "1 without ending (not a type of image that Pillow reads)",
    ]


def test_sixteen_bits_are_scaled_by_those_that_are_used(tmp_path, caplog):
    for name, value in (("a", 1000), ("b", 4095)):
        for number in range(3):
            (tmp_path / name).mkdir(exist_ok=True)
            image = Image.fromarray(np.full((6, 5), value + number - 2, np.uint16))
            image.save(tmp_path / name / f"{number}.{'png' if number else 'tif'}")
    with caplog.at_level("INFO", logger="absl"):
        data = datasets.load(str(tmp_path))
    assert data.bit_depth == 12 and data.description()["bit_depth"] == 12
    assert data.image_shape == (6, 5, 1)
    assert "has images with 16 bits a channel: 12 of them are used" in caplog.text
    values = sorted([*data.train_images[:, 0, 0, 0], *data.test_images[:, 0, 0, 0]])
    assert values == [62, 62, 62, 255, 255, 255]


def test_cameras_marks_are_followed(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        # As stored, the left half is black: seen upright, the upper one.
        image = Image.fromarray(np.repeat([[0, 0, 0, 255, 255, 255]], 5, 0).astype(np.uint8))
        for number in range(2):
            image.save(tmp_path / name / f"{number}.png", exif=turned)
    data = datasets.load(str(tmp_path))
    assert data.image_shape == (6, 5, 1) and data.bit_depth is None
    assert data.train_images[0, :, 2, 0].tolist() == [0, 0, 0, 255, 255, 255]


def test_a_sample_has_files_of_every_ending(folder):
    put(folder / "cat" / "9.webp", (1, 2, 3))
    put(folder / "dog" / "9.bmp", (4, 5, 6))
    files = datasets.folders.sample(str(folder), 4)
    assert {file[:2] for file in files} == {b"\x89P", b"RI", b"BM"} and len(files) == 4
    assert len(datasets.folders.sample(str(folder), 100)) == 12


def test_grey_among_colour_gets_three_channels(folder):
    put(folder / "cat" / "9.png", 77, mode="L")
    data = datasets.load(str(folder))
    images = np.concatenate([data.train_images, data.test_images])
    assert data.image_shape == (6, 5, 3)
    assert [77, 77, 77] in images[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [("RGBA", (100, 0, 0, 51), [224, 204, 204]), ("LA", (100, 51), [224])],
)
def test_transparent_images_are_laid_over_white(tmp_path, mode, value, expected):
    for name in "ab":
        for number in range(2):
            put(tmp_path / name / f"{number}.png", value, mode=mode)
    assert datasets.load(str(tmp_path)).train_images[0, 0, 0].tolist() == expected


def test_image_size_brings_all_to_one_size(folder):
    put(folder / "cat" / "9.png", (7, 7, 7), size=(50, 20))
    with pytest.raises(UserError, match="images differ in size .* give --image_size"):
        datasets.load(str(folder))
    assert datasets.load(str(folder), image_size=9).image_shape == (9, 9, 3)
    assert datasets.load(str(folder), image_size=(4, 8)).image_shape == (4, 8, 3)


def test_only_the_chosen_images_are_read(folder, monkeypatch):
    read = []
    original = datasets.file_reader._read_image
    monkeypatch.setattr(
        datasets.file_reader, "_read_image", lambda *args: read.append(args) or original(*args)
    )
    assert len(datasets.load(str(folder), train_examples=2).train_labels) == 2
    assert len(read) == 4  # 2 to train on, 2 to test on.


def one_class(folder):
    for file in (folder / "dog").iterdir():
        file.unlink()
    (folder / "dog").rmdir()


def empty_class(folder):
    (folder / "eel").mkdir()


def damaged_header(folder):
    (folder / "cat" / "3.png").write_bytes(b"this is no image")


def damaged_end(folder):
    data = np.random.RandomState(0).randint(0, 256, (40, 40, 3)).astype(np.uint8)
    path = folder / "cat" / "3.png"
    for file in folder.rglob("*.png"):
        Image.fromarray(data).save(file)
    path.write_bytes(path.read_bytes()[:2000])


def fractions(folder):
    Image.fromarray(np.zeros((6, 5), np.float32)).save(folder / "cat" / "3.tif")


def only_other_files(folder):
    for file in (folder / "dog").iterdir():
        file.rename(file.with_suffix(".heic"))


def small(folder):
    for file in folder.rglob("*.png"):
        put(file, size=(3, 9))


def one_image(folder):
    put(folder / "eel" / "1.png")


def unknown_test_class(folder):
    for name in ("cat", "dog"):
        (folder / "train").mkdir(exist_ok=True)
        (folder / name).rename(folder / "train" / name)
    put(folder / "test" / "eel" / "1.png")


def no_classes(folder):
    for name in ("cat", "dog"):
        for file in (folder / name).iterdir():
            file.rename(folder / f"{name}{file.name}")
        (folder / name).rmdir()


def parts_without_classes(folder):
    (folder / "cat").rename(folder / "train")
    (folder / "dog").rename(folder / "test")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_class, "pets has a single class with examples: at least 2"),
        (empty_class, "class folder .*eel has no image"),
        (damaged_header, r"cannot read image .*cat/3.png: it is damaged"),
        (damaged_end, r"cannot read image .*cat/3.png: it is damaged"),
        (fractions, r"cannot read image .*cat/3.tif: it holds fractions .*save it with 8"),
        (only_other_files, r"class folder .*dog has no image \(left out: 5 .heic \(not a type"),
        (small, "3x9 pixels is too small"),
        (one_image, "class 'eel' has one example only"),
        (unknown_test_class, "has a class 'eel' that .*train has not"),
        (no_classes, "has no folders of images: expected one folder for each class"),
        (parts_without_classes, "train has no folders of images"),
    ],
)
def test_errors(folder, spoil, message):
    spoil(folder)
    with pytest.raises(UserError, match=message) as caught:
        datasets.load(str(folder))
    assert "\n" not in str(caught.value)


def test_a_class_may_be_called_train(folder):
    (folder / "cat").rename(folder / "train")
    assert datasets.load(str(folder)).class_names == ("dog", "train")
