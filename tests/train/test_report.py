import json

import pytest

from tests.train.programs import assert_refused, start_all


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, accuracy in (("EVAL", 0.75), ("OTHER", 0.5)):
        (folder / name).mkdir()
        result = {"test_accuracy": accuracy, "test_examples": 8}
        (folder / name / "result.json").write_text(json.dumps(result))
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def started(folder):
    one, two = str(folder / "EVAL"), str(folder / "OTHER")
    cases = {
        "one": [one],
        "two": [one, f"--output={folder}/both.html", two],
        "flag": [f"--run_dir={two}", f"--output={folder}/two.html"],
        "none": [],
        "two without output": [one, two],
        "text": [one, "--output=report.txt"],
        "empty": [str(folder / "empty")],
        "missing": [str(folder / "no_such_run")],
    }
    return start_all("train.report", cases)


def test_reports(started, folder):
    for case, file, parts in (
        ("one", "EVAL/report.html", ["0.7500"]),
        ("two", "both.html", ["2 runs side by side", "0.7500", "0.5000"]),
        ("flag", "two.html", ["0.5000"]),
    ):
        assert started[case].returncode == 0, started[case].stderr
        assert started[case].stdout.splitlines()[-1] == f"wrote {folder / file}"
        text = (folder / file).read_text()
        assert all(part in text for part in parts)
    assert not (folder / "OTHER/report.html").exists()


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("none", "there is no run to report on"),
        ("two without output", "--output is missing: expected the file for the report of 2 runs"),
        ("text", "--output=report.txt: expected a name that ends in .html"),
        ("empty", "holds no run: expected config.json, result.json, metrics.jsonl"),
        ("missing", "is no folder; give one that a program has written"),
    ],
)
def test_what_is_refused(started, case, reason):
    assert_refused(started[case], reason)
