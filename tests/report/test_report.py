import base64
import html.parser
import json
import math
import pathlib
import re
import shutil

import numpy as np
import pytest

from darts_tf import genotypes, plots, report
from darts_tf.common.errors import UserError
from darts_tf.report import page, quality
from darts_tf.report.run import as_text
from tests.report import folders

ROOT = pathlib.Path(__file__).parents[2]
RESULT = {
    "test_accuracy": 0.95,
    "test_loss": 0.2,
    "test_examples": 100,
    "parameters": 4750,
    "multiply_adds": 56512,
    "data_sha256": "abc",
    "test_recall": {"cat": 0.9, "<b>dog": 1.0},
}


class Reader(html.parser.HTMLParser):
    """What a page refers to, and what it says."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.tags, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += f" {' '.join(data.split())}"


@pytest.fixture
def folder(tmp_path):
    """A training's folder."""
    path = tmp_path / "EVAL"
    path.mkdir()
    write = {
        "config.json": {"program": "evaluate", "genotype": "DARTS_V2", "seed": 0, "epochs": 2},
        "data.json": {"name": "pets"},
        "result.json": RESULT,
        "versions.json": {"keras": "3.15.1"},
    }
    for name, content in write.items():
        (path / name).write_text(json.dumps(content))
    records = [{"epoch": i, "loss": 1 / i, "accuracy": 0.5, "val_accuracy": 0.4} for i in (1, 2)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records) + '{"epo')
    (path / "flags.txt").write_text(
        "# python -m train.evaluate --flagfile=THIS_FILE\n--epochs=2\n--genotype=DARTS_V2\n"
    )
    plots.plot_genotype(genotypes.get("DARTS_V2"), path, formats=("svg",))
    return path


def test_one_run(folder):
    found = Reader(report.render([report.Run(folder)]))
    for words in (
        *("Training from scratch on pets of DARTS_V2", "0.9500", "4,750", "cat", "<b>dog"),
        *("95 % interval 0.8882 to 0.9785, of 100 test images", "Normal cell", "abc"),
        "python -m train.evaluate \\ --epochs=2 \\ --genotype=DARTS_V2",
    ):
        assert words in found.text
    # Two cells and the curves, which the folder has no picture of.
    assert [address[:19] for address in found.addresses] == ["data:image/svg+xml;"] * 3
    # An element of a name is text, and nothing runs.
    assert not {"script", "link", "iframe"} & set(found.tags)
    assert found.tags.count("b") == 3


def test_the_interval_is_wilsons():
    z, p, n = 1.959963984540054, 0.9, 50
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    np.testing.assert_allclose(
        quality.interval(0.9, 50), (middle - half, middle + half), rtol=1e-12
    )
    assert quality.interval(1.0, 20)[1] == 1.0


def test_an_unfinished_run_loads_itself_anew(folder):
    (folder / "result.json").unlink()
    text = report.render([report.Run(folder)])
    assert 'http-equiv="refresh" content="20"' in text
    assert "2 of 2 epochs so far" in text
    (folder / "metrics.jsonl").unlink()
    assert "no epoch is finished yet" in report.render([report.Run(folder)])
    (folder / "result.json").write_text(json.dumps(RESULT))
    assert 'http-equiv="refresh"' not in report.render([report.Run(folder)])


def test_runs_side_by_side(folder):
    other = folder.parent / "OTHER"
    shutil.copytree(folder, other)
    settings = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**settings, "genotype": "random:0"}))
    (other / "result.json").write_text(json.dumps({**RESULT, "test_accuracy": 0.5}))
    runs = [report.Run(folder), report.Run(other)]
    found = page._comparison(runs)
    assert found["names"] == ["EVAL", "OTHER"]
    assert found["settings"] == {"genotype": ["DARTS_V2", "random:0"]}
    assert found["figures"]["test_accuracy"] == [0.95, 0.5]
    assert "data_sha256" not in found["figures"]
    assert "2 runs side by side" in report.render(runs)


def test_rows_of_a_comparison_are_shown(tmp_path):
    rows = [{"name": "last value", "rse": 0.0106}, {"name": "lstm", "rse": 0.02, "units": 3}]
    (tmp_path / "baselines.json").write_text(json.dumps({"forecasts": rows}))
    found = Reader(report.render([report.Run(tmp_path)]))
    assert "name rse units last value 0.0106 - lstm 0.0200 3" in " ".join(found.text.split())


@pytest.mark.parametrize("name", ["config.json", "data.json", "result.json", "versions.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"null"])
def test_damaged_files_are_left_out(folder, name, content):
    (folder / name).write_bytes(content)
    assert "Normal cell" in report.render([report.Run(folder)])


def test_what_is_no_run(tmp_path):
    with pytest.raises(UserError, match="is no folder"):
        report.Run(tmp_path / "missing")
    with pytest.raises(UserError, match="holds no run: expected config.json"):
        report.Run(tmp_path)
    with pytest.raises(UserError, match="at least one run"):
        report.render([])


def test_classes_and_mistakes(folder):
    folders.predict(folder)
    found = Reader(report.render([report.Run(folder)]))
    # 35 of 40 and 55 of 60; 5 of each for the other one.
    said = " ".join(found.text.split())
    assert "cat 40 35 0.8750 0.7389 to 0.9454" in said
    assert "<b>dog 60 55 0.9167 0.8193 to 0.9639" in said
    assert "cat <b>dog cat 35 5 <b>dog 5 55" in said
    assert "1 of 10 test images that were not recognised" in said
    assert "named <b>dog : 98.7 % is cat : 1.0 % test image 17" in said
    picture = base64.b64encode((folder / "mistakes/1.png").read_bytes()).decode()
    assert f"data:image/png;base64,{picture}" in found.addresses
    # The recall in the result says the same.
    assert "Recall of the classes" not in said and "of an earlier version" not in said


def test_a_search_without_a_supernet(folder):
    (folder / "metrics.jsonl").unlink()
    (folder / "result.json").unlink()
    rows = [{"accuracy": 0.5, "rung": 0}, {"refused": "too large"}, {"accuracy": 0.6, "rung": 1}]
    (folder / "candidates.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = report.render([report.Run(folder)])
    assert "3 evaluations of candidates so far" in text
    assert "Candidates that were trained" in text and "Loss and metrics" not in text
    (folder / "candidates.jsonl").write_text('{"accuracy": 1, "rung": [1]}')
    assert "Candidates that were trained" not in report.render([report.Run(folder)])


def test_growth(folder):
    sizes = [(1.0, 32.0), (1.0, 32.0), (2.0, 72.0), (1.0, 32.0)]
    records = [
        {"epoch": i, "loss": 1.0, "nodes": nodes, "candidates": candidates}
        for i, (nodes, candidates) in enumerate(sizes, start=1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(x) + "\n" for x in records))
    said = " ".join(Reader(report.render([report.Run(folder)])).text.split())
    assert "How the supernet grew from epoch nodes candidates 1 1 32 3 2 72 4 1 32" in said


def test_many_classes(folder):
    folders.predict(folder, [f"class {i}" for i in range(50)], range(6, 56))
    said = " ".join(Reader(report.render([report.Run(folder)])).text.split())
    assert "class 0 6 1 0.1667" in said and "class 29 35 30" in said
    assert "class 30 36 31" not in said and "20 more are in predictions.json" in said
    assert "class taken for images of class 0 class 1 5 6 class 1 class 2 5 7" in said


def test_no_predictions(folder):
    assert "which wrote no predictions.json" in report.render([report.Run(folder)])
    folders.predict(folder)
    (folder / "result.json").unlink()
    assert "Accuracy by class" not in report.render([report.Run(folder)])


@pytest.mark.parametrize(
    "content",
    [
        *("null", "[]", "{}", '{"classes": 1, "mistakes": []}', '{"classes": [1], "mistakes": []}'),
        '{"classes": [{"name": "a", "examples": 1, "right": 2, "taken_for": {}}], "mistakes": []}',
        '{"classes": [{"name": "a", "examples": 1e999, "right": 2}], "mistakes": []}',
    ],
)
def test_damaged_predictions_are_left_out(folder, content):
    (folder / "predictions.json").write_text(content)
    assert "which wrote no predictions.json" in report.render([report.Run(folder)])


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret.png", "mistakes/../x.png", "mistakes/.."]
)
def test_no_picture_comes_from_elsewhere(folder, name):
    folders.predict(folder)
    for secret in (folder / "x.png", folder.parent / "secret.png"):
        secret.write_bytes(b"secret")
    content = json.loads((folder / "predictions.json").read_text())
    content["mistakes"][0]["picture"] = name
    (folder / "predictions.json").write_text(json.dumps(content))
    text = report.render([report.Run(folder)])
    assert "data:image/png" not in text and "Accuracy by class" in text


def test_it_appears_whole(folder):
    path = report.write([report.Run(folder)], folder / "report.html")
    first = path.read_bytes()
    assert report.write([report.Run(folder)], path).read_bytes() == first
    assert not list(folder.glob(".part-*"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4750, "4,750"),
        (0.95, "0.9500"),
        (True, "yes"),
        (None, "-"),
        (1e-5, "1e-05"),
        (0.0, "0.0000"),
    ],
)
def test_values(value, text):
    assert as_text(value) == text


def test_the_published_copy_is_of_this_template():
    """Where it is not, make it again: docs/report.md says how."""
    published = (ROOT / "docs/report.html").read_text()
    template = (ROOT / "darts_tf/report/templates/report.html").read_text()
    style = re.compile(r"<style>.*?</style>", re.DOTALL)
    assert style.search(published)[0] == style.search(template)[0]
    headings = re.compile(r"<h[23]>([^<{]*)</h[23]>")
    known = set(headings.findall(template))
    found = headings.findall(published)
    assert len(found) > 5 and set(found) <= known
