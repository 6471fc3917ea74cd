import json
import math
import shutil

import pytest

from darts_tf import report
from darts_tf.report import comparison, worth
from tests.report import folders


@pytest.fixture
def runs(tmp_path):
    """A found cell, two at random and a published one, of which the others differ in something."""
    folders.training(tmp_path / "a_found", "SEARCH/genotype.json", 0.95)
    folders.training(tmp_path / "b_random", "random:0", 0.90, seed=1)
    folders.training(tmp_path / "c_random", "random:1", 0.80)
    folders.training(tmp_path / "d_known", "DARTS_V2", 0.93, data_dir="elsewhere", newer=1)
    folders.training(tmp_path / "e_longer", "DARTS_V2", 0.99, epochs=3)
    other = folders.training(tmp_path / "f_other_data", "DARTS_V2", 0.99)
    result = json.loads((other / "result.json").read_text())
    folders.write(other, "result.json", {**result, "data_sha256": "def"})
    (tmp_path / "g_empty").mkdir()
    (tmp_path / "h_file").write_text("no folder")
    return tmp_path


def compared(*paths):
    given = [report.Run(path) for path in paths]
    return worth.comparisons(given, worth.beside(given))


def test_what_is_beside_with_the_same_settings(runs):
    (found,) = compared(runs / "a_found")
    assert [(row["name"], row["kind"], row["value"], row["seeds"]) for row in found.rows] == [
        ("the cell in a_found", "found", 0.95, 1),
        ("DARTS_V2", "baseline", 0.93, 1),
        ("cells at random", "baseline", pytest.approx(0.85), 2),
    ]
    assert found.rows[2]["deviation"] == pytest.approx(0.1 / math.sqrt(2))
    assert found.metric == "test_accuracy" and found.larger_is_better
    assert found.data_sha256 == "abc"


def test_runs_that_were_named_may_have_other_settings(runs):
    (found,) = compared(runs / "b_random", runs / "e_longer")
    assert [(row["name"], row["value"], row["seeds"]) for row in found.rows] == [
        ("DARTS_V2", pytest.approx(0.96), 2),
        ("the cell in a_found", 0.95, 1),
        ("cells at random", pytest.approx(0.85), 2),
    ]


def test_a_search_is_judged_by_the_trainings_of_its_cell(runs):
    search = runs / "search"
    search.mkdir()
    folders.write(search, "config.json", {"program": "search"})
    cell = json.loads((runs / "a_found/config.json").read_text())["genotype"]
    folders.write(search, "genotype.json", cell)
    folders.write(search, "result.json", {"epochs": 3})
    (found,) = compared(search)
    assert [row["value"] for row in found.rows] == [0.95, 0.93, pytest.approx(0.85)]
    folders.write(search, "genotype.json", {"space": "s1"})
    assert compared(search) == []


def test_nothing_to_compare_with(runs, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copytree(runs / "a_found", alone / "EVAL")
    assert compared(alone / "EVAL") == []
    assert "No baseline yet" in report.render([report.Run(alone / "EVAL")])


def test_a_comparison_that_a_run_wrote(runs):
    rows = [{"name": "gdas", "kind": "found", "value": 1.5, "seeds": 3, "deviation": 0.1}]
    written = comparison.Comparison(
        metric="test_rse", larger_is_better=False, rows=rows, budget="9 s", data_sha256="abc"
    )
    (runs / "tables").mkdir()
    comparison.write(runs / "tables", written)
    assert compared(runs / "a_found")[0] == written
    assert compared(runs / "tables") == [written]
    assert compared(runs / "f_other_data") == []
    text = report.render([report.Run(runs / "tables")])
    for words in ("Budget: 9 s", "gdas", "1.5000", "No baseline was measured", "Baselines"):
        assert words in text
    assert 'http-equiv="refresh"' not in text


def row(kind, value, **others):
    return {"name": kind, "kind": kind, "value": value, **others}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test_accuracy", (pytest.approx(0.8256, abs=1e-4), pytest.approx(0.9448, abs=1e-4))),
        ("test_rse", None),
        ("test_f1", None),
    ],
)
def test_an_interval_of_a_share_is_that_of_an_accuracy(metric, expected):
    rows = [row("found", 0.9, test_examples=100), row("baseline", 0.8, test_examples=100)]
    assert worth.share_interval(metric, rows[0]) == expected
    compared = comparison.Comparison(metric=metric, larger_is_better=True, rows=rows)
    said = worth.verdict(compared)
    assert ("95 % interval" in said) == (expected is not None)
    assert ("How much another seed would change is not known" in said) == (expected is None)


@pytest.mark.parametrize(
    ("rows", "larger", "said"),
    [
        (
            [row("found", 0.9), row("baseline", 0.8), row("baseline", 0.7)],
            True,
            "Found: 0.9000, the best baseline, baseline: 0.8000, better by 0.1000. How much",
        ),
        ([row("found", 0.9), row("baseline", 0.8)], False, "worse by 0.1000"),
        ([row("found", 0.9), row("found", 0.7), row("baseline", 0.8)], False, "better by 0.1000"),
        ([row("found", 0.9), row("baseline", 0.9)], True, "baseline: 0.9000: a draw"),
        ([row("found", 0.9), row("baseline", None)], True, "No baseline was measured"),
        ([row("found", None), row("baseline", 0.9)], True, "Only baselines were measured"),
        # 1.96 * sqrt(0.9 * 0.1 / 100 + 0.8 * 0.2 / 100) is 0.098.
        (
            [row("found", 0.9, test_examples=100), row("baseline", 0.8, test_examples=100)],
            True,
            "of the gain is 0.0020 to 0.1980. Where there is one seed, that counts the draw",
        ),
        # 2.494 * sqrt(0.3 ** 2 / 4 + 0.4 ** 2 / 4) is 0.6235: Student's t with 5.56 degrees.
        (
            [
                row("found", 3.0, seeds=4, deviation=0.3),
                row("baseline", 3.4, seeds=4, deviation=0.4),
            ],
            False,
            "by 0.4000. The 95 % interval of the gain is -0.2235 to 1.0235: it may be chance.",
        ),
    ],
)
def test_verdicts(rows, larger, said):
    found = comparison.Comparison(metric="test_accuracy", larger_is_better=larger, rows=rows)
    assert said in worth.verdict(found)
    # The last ones say all that there is to say.
    assert worth.verdict(found).endswith(said) or not said.endswith("chance.")
