import html.parser
import json
import math
import shutil

import numpy as np
import pytest

from darts_tf import genotypes, plots, report
from darts_tf.common.errors import UserError
from darts_tf.report import page
from darts_tf.report.run import as_text

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
    np.testing.assert_allclose(page.interval(0.9, 50), (middle - half, middle + half), rtol=1e-12)
    assert page.interval(1.0, 20)[1] == 1.0


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
