"""Archives of images: tar files and TFRecord files."""

import io
import json
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import shard_files
from darts_tf.datasets.shard_files import Features
from tests.serving import tiny_network


def image(number, size=(6, 5)):
    return np.full((*size, 3), (number, 0, 0), np.uint8)


def file(number, size=(6, 5)):
    return tiny_network.encode(image(number, size))


def write_tar(path, members, mode="w"):
    """Writes pairs of a name and a content, or a `TarInfo` alone."""
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is not None:
                info.size = len(content)
            archive.addfile(info, None if content is None else io.BytesIO(content))


def members(numbers, classes=2):
    return [
        one
        for number in numbers
        for one in (
            (f"a/{number:03d}.png", file(number)),
            (f"a/{number:03d}.cls", str(number % classes).encode()),
        )
    ]


def write_records(path, numbers, label=lambda number: number % 2, options=None):
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for number in numbers:
            value = label(number)
            if isinstance(value, str):
                kind = {"bytes_list": tf.train.BytesList(value=[value.encode()])}
            else:
                kind = {"int64_list": tf.train.Int64List(value=[value])}
            encoded = tf.train.BytesList(value=[file(number)])
            features = {
                "image/encoded": tf.train.Feature(bytes_list=encoded),
                "image/class/label": tf.train.Feature(**kind),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def numbers_of(images):
    return images[:, 0, 0, 0].tolist()


def test_tar_files(tmp_path):
    write_tar(tmp_path / "train-0001.tar", members(range(10, 16)))
    write_tar(tmp_path / "train-0000.tar.gz", members(range(10)), "w:gz")
    write_tar(tmp_path / "val-0000.tgz", members(range(20, 24)), "w:gz")
    (tmp_path / "classes.txt").write_text("cat\ndog\nunused\n")
    data = datasets.load(str(tmp_path))
    # A fifth of the training part is held out.
    assert sorted(numbers_of(data.train_images) + numbers_of(data.test_images)) == [*range(16)]
    assert data.class_names == ("cat", "dog") and data.image_shape == (6, 5, 3)
    for images, labels in (
        (data.train_images, data.train_labels),
        (data.test_images, data.test_labels),
        (data.validation_images, data.validation_labels),
    ):
        assert [number % 2 for number in numbers_of(images)] == labels.tolist()
    assert numbers_of(data.validation_images) == [20, 21, 22, 23]


def test_tfrecord_files_are_the_same_data(tmp_path):
    write_tar(tmp_path / "photos.tar", members(range(12)))
    (tmp_path / "x" / "train").mkdir(parents=True)
    write_records(tmp_path / "x" / "train" / "photos.tfrecord-00000-of-00002", range(7))
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    gz = tmp_path / "x" / "train" / "photos.tfrecord-00001-of-00002.gz"
    write_records(gz, range(7, 12), options=options)
    first = datasets.load(str(tmp_path / "photos.tar")).description()
    second = datasets.load(str(tmp_path / "x")).description()
    assert first["name"] == "photos" and first["fingerprint"] == second["fingerprint"]


def test_a_cache_and_a_part_of_the_images(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    write_tar(photos / "train.tar", members(range(20)))
    write_tar(photos / "test.tar", members(range(30, 34)))
    options = {"image_size": 4, "train_examples": 8, "evaluation_crop": 0.5}
    plain = datasets.load(str(photos), **options)
    for _ in range(2):
        storage = datasets.Storage(tmp_path / "cache")
        found = datasets.load(str(photos), storage=storage, **options)
        assert found.description() == plain.description() and len(found.train_labels) == 8
    assert plain.test_images.shape == (4, 4, 4, 3)


def test_classes_by_name(tmp_path):
    described = [{"label": "sea"}, {"class": "sky"}] * 6
    pairs = [
        one
        for number, text in enumerate(described)
        for one in ((f"{number}.jpg", file(number)), (f"{number}.json", json.dumps(text).encode()))
    ]
    write_tar(tmp_path / "x.tar", pairs)
    data = datasets.load(str(tmp_path / "x.tar"))
    assert data.class_names == ("sea", "sky")
    write_records(tmp_path / "y.tfrecord", range(12), lambda number: ("sea", "sky")[number % 2])
    assert datasets.load(str(tmp_path / "y.tfrecord")).class_names == ("sea", "sky")
    # ImageNet's numbers begin with 1.
    write_records(tmp_path / "z.tfrecord", range(12), lambda number: 1 + number % 2)
    found = datasets.load(str(tmp_path / "z.tfrecord"))
    assert found.class_names == ("1", "2") and found.train_labels.max() == 1


def hostile():
    link, hard, device = (tarfile.TarInfo(f"{name}.png") for name in ("link", "hard", "device"))
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "a/000.png"
    device.type = tarfile.CHRTYPE
    return [
        (link, None),
        (hard, None),
        (device, None),
        ("../outside.png", file(99)),
        ("/tmp/absolute.png", file(98)),
        ("a/../../b.png", file(97)),
        (".hidden.png", file(96)),
        ("a/readme.txt", b"no image"),
    ]


def test_members_that_lead_elsewhere_are_left_out(tmp_path):
    write_tar(tmp_path / "x.tar", [*hostile(), *members(range(10))])
    before = sorted(tmp_path.iterdir())
    found = list(shard_files.samples(str(tmp_path / "x.tar"), Features()))
    assert [one.label for one in found] == [number % 2 for number in range(10)]
    assert not any(one.error for one in found)
    assert sorted(tmp_path.iterdir()) == before


def test_bad_images_are_named_and_left_out(tmp_path):
    bad = [
        ("b/broken.png", b"no image"),
        ("b/broken.cls", b"0"),
        ("b/none.cls", b"0"),
        ("b/nothing.png", file(50)),
        ("b/wrong.png", file(51)),
        ("b/wrong.json", b'{"label": [1]}'),
        ("b/cut.png", file(52)[:45]),
        ("b/cut.cls", b"0"),
    ]
    write_tar(tmp_path / "x.tar", [*bad, *members(range(10))])
    path = str(tmp_path / "x.tar")
    with pytest.raises(
        UserError, match=r"cannot read image .*x\.tar: b/broken\.png: it is damaged"
    ):
        datasets.load(path)
    with pytest.raises(UserError, match="more than --max_bad_images=4"):
        datasets.load(path, storage=datasets.Storage(max_bad_images=4))
    data = datasets.load(path, storage=datasets.Storage(max_bad_images=5))
    assert sorted(numbers_of(data.train_images) + numbers_of(data.test_images)) == [*range(10)]
    assert len(data.left_out) == 5


@pytest.mark.parametrize("kind", ["tar", "tfrecord", "gz"])
def test_an_archive_that_is_cut_off(tmp_path, kind):
    path = tmp_path / {"tar": "x.tar", "tfrecord": "x.tfrecord", "gz": "x.tar.gz"}[kind]
    if kind == "tfrecord":
        write_records(path, range(10))
    else:
        write_tar(path, members(range(10)), "w:gz" if kind == "gz" else "w")
    content = path.read_bytes()
    # Not between two records of the ten, where no TFRecord file says whether it goes on.
    sizes = [0.33 * len(content), 0.68 * len(content), 20]
    if kind == "tar":
        # Also between two files, where nothing of them is missing.
        sizes += [10 * 512, 10 * 512 + 100]
    for size in sizes:
        path.write_bytes(content[: int(size)])
        with pytest.raises(UserError, match="is damaged or not fully copied"):
            datasets.load(str(path))


def test_a_tar_file_that_is_broken_in_the_middle(tmp_path):
    path = tmp_path / "x.tar"
    write_tar(path, members(range(10)))
    content = bytearray(path.read_bytes())
    content[12 * 512 : 12 * 512 + 20] = bytes(range(20))
    path.write_bytes(content)
    with pytest.raises(UserError, match="breaks off after 6,144 bytes"):
        datasets.load(str(path))


def test_files_that_are_no_archives(tmp_path):
    for name in ("x.tar", "x.tfrecord"):
        (tmp_path / name).write_bytes(b"something else" * 99)
        with pytest.raises(UserError, match="is damaged or not fully copied"):
            datasets.load(str(tmp_path / name))


def test_other_features(tmp_path):
    write_records(tmp_path / "x.tfrecord", range(10))
    with pytest.raises(
        UserError,
        match="no feature 'image'; it has image/class/label, image/encoded: say with --image_fea",
    ):
        datasets.load(str(tmp_path / "x.tfrecord"), features=Features("image", "label"))


def test_names_of_archives(tmp_path):
    write_tar(tmp_path / "train-0.tar", members(range(10)))
    write_tar(tmp_path / "other.tar", members(range(10)))
    with pytest.raises(UserError, match="other.tar does not say what it is for"):
        datasets.load(str(tmp_path))
    (tmp_path / "other.tar").rename(tmp_path / "photos-test.tar")
    write_tar(tmp_path / "photos-test.tar", members(range(3), classes=3))
    with pytest.raises(UserError, match="have the class 2, which no training image has"):
        datasets.load(str(tmp_path))
    (tmp_path / "photos-test.tar").unlink()
    write_tar(
        tmp_path / "train-0.tar", [("1.png", file(1, (7, 7))), ("1.cls", b"0"), *members([2])]
    )
    with pytest.raises(UserError, match="images differ in size"):
        datasets.load(str(tmp_path))


def test_folders_of_classes_come_before_archives(tmp_path):
    """An archive beside them may be what they came from."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.png").write_bytes(file(number))
    write_tar(tmp_path / "photos.tar", members(range(30)))
    assert datasets.load(str(tmp_path)).class_names == ("cat", "dog")
