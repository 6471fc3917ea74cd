import numpy as np
import pytest
from PIL import Image

from darts_tf import datasets
from darts_tf.common.errors import UserError
from darts_tf.datasets import labelled_folders


def paint(folder, names, size=(6, 5)):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (number, 0, 0)).save(path)


def table(folder, header, rows, name="labels.csv"):
    folder.mkdir(exist_ok=True)
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    names = [f"{number}.png" for number in range(50)]
    paint(folder, names)
    table(
        folder,
        "file,labels,size",
        [
            (name, "a;b" if i % 5 == 0 else "a" if i % 2 else "", 2.5 * i)
            for i, name in enumerate(names)
        ],
    )
    return folder


def load(path, kind="labels", **options):
    return datasets.load(str(path), labels=kind, label_columns=COLUMNS[kind], **options)


COLUMNS = {"labels": ["labels"], "numbers": ["size"]}


def test_several_labels(folder):
    data = load(folder)
    assert (data.name, data.kind, data.class_names) == ("photos", "labels", ("a", "b"))
    assert data.num_classes == 2 and len(data.train_labels) == 40 and len(data.test_labels) == 10
    # Of 10 images with the rare label a fifth is held out.
    assert data.test_labels[:, 1].sum() == 2
    numbers = data.train_images[:, 0, 0, 0]
    expected = np.stack([(numbers % 5 == 0) | (numbers % 2 == 1), numbers % 5 == 0], axis=1)
    np.testing.assert_array_equal(data.train_labels, expected)
    assert data.description()["kind"] == "labels"


def test_numbers(folder, tmp_path):
    data = load(folder / "labels.csv", "numbers", image_size=4, train_examples=30)
    assert data.name == "photos" and data.class_names == ("size",)
    np.testing.assert_allclose(data.train_labels[:, 0], 2.5 * data.train_images[:, 0, 0, 0])
    means, deviations = data.scaling
    assert means == (data.train_labels.mean(),) and deviations == (data.train_labels.std(),)
    # Small and large ones are in both parts.
    assert len(data.train_labels) == 30 and np.ptp(data.test_labels) > 90
    description = data.description()
    assert description["means"] == list(means)
    import json

    (tmp_path / "data.json").write_text(json.dumps(description))
    assert datasets.load_description(tmp_path / "data.json") == description
    for key, wrong in (("means", [1, 2]), ("deviations", [0]), ("deviations", None)):
        (tmp_path / "data.json").write_text(json.dumps({**description, key: wrong}))
        with pytest.raises(UserError, match=key):
            datasets.load_description(tmp_path / "data.json")


def test_batches_of_both(folder):
    for kind, dtype in (("labels", np.int32), ("numbers", np.float32)):
        data = load(folder, kind)
        first, second = datasets.split(data.train_images, data.train_labels, 0.5, seed=1)
        assert len(first[1]) == len(second[1]) == 20
        batch = next(
            datasets.batches(
                *first, 8, mean=data.mean, std=data.std, shuffle=True
            ).as_numpy_iterator()
        )
        assert batch[1].dtype == dtype and batch[1].shape[0] == 8 and batch[1].ndim == 2


def test_splits_in_a_column(tmp_path):
    paint(tmp_path, ["x/1.png", "x/2.png", "y/3.png", "y/4.png"])
    rows = [("x/1.png", 1, "Train"), ("x/2.png", 2, "train"), ("y/3.png", 3, "val")]
    table(tmp_path, "name,age,split", [*rows, ("y/4.png", 4, "testing")])
    data = datasets.load(str(tmp_path), labels="numbers")
    labels = (data.train_labels, data.validation_labels, data.test_labels)
    assert [x.ravel().tolist() for x in labels] == [[1, 2], [3], [4]]
    table(tmp_path, "name,age,split", [*rows, ("y/4.png", 4, "mine")])
    with pytest.raises(UserError, match="the split of 'y/4.png' is 'mine'; expected train, "):
        datasets.load(str(tmp_path), labels="numbers")


def test_a_folder_for_each_split(tmp_path):
    for split, names in (("train", "abc"), ("Test", "de")):
        paint(tmp_path / split, [f"{name}.png" for name in names])
        rows = [(f"{name}.png", "x;y" if name == "a" else "y") for name in names]
        table(tmp_path / split, "file_name,labels", rows, "metadata.csv")
    data = datasets.load(str(tmp_path), labels="labels")
    # No image of the test part has the label x.
    assert data.class_names == ("x", "y")
    assert data.test_labels.tolist() == [[0, 1], [0, 1]]
    table(tmp_path / "Test", "file_name,labels", [("d.png", "z")], "metadata.csv")
    with pytest.raises(UserError, match="have other labels, such as 'x'"):
        datasets.load(str(tmp_path), labels="labels")


def test_a_file_that_is_missing(folder):
    (folder / "7.png").unlink()
    (folder / "8.png").write_bytes(b"no image")
    with pytest.raises(UserError, match="cannot read image .*7.png: No such file"):
        load(folder)
    data = load(folder, storage=datasets.Storage(max_bad_images=2))
    assert [name[-5:] for name in data.left_out] == ["7.png", "8.png"]
    assert len(data.train_labels) + len(data.test_labels) == 48


@pytest.mark.parametrize(
    ("rows", "kind", "message"),
    [
        ([("0.png", "", 1), ("1.png", "a", 1)], "numbers", "'size' is 1 in all training images"),
        ([("0.png", "a", 1)], "labels", "has no test part and 1 images"),
    ],
)
def test_nothing_to_learn(folder, rows, kind, message):
    table(folder, "file,labels,size", [*rows] * (1 if kind == "labels" else 1))
    if kind == "numbers":
        table(folder, "file,labels,size", [(f"{i}.png", "", 1) for i in range(9)])
    with pytest.raises(UserError, match=message):
        load(folder, kind)


def test_what_is_no_such_folder(tmp_path, folder):
    with pytest.raises(UserError, match="is neither a folder nor a .csv file"):
        load("digits")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no labels.csv and no metadata.csv"):
        load(tmp_path / "empty")
    with pytest.raises(UserError, match="expected one of classes, labels, numbers"):
        datasets.load(str(folder), labels="words")


def test_a_sample(folder):
    found = labelled_folders.sample(folder, 4)
    assert found[0] == (folder / "0.png").read_bytes() and len(found) == 4
