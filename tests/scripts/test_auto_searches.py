import csv

import pytest

from darts_tf.budget.image_search import RULES
from scripts import auto_searches
from scripts.auto_searches import SearchesConfig, main, summary


@pytest.fixture
def asked(monkeypatch):
    """The flags of every search that is run; seed n has found 80 + n %."""
    found = []

    def finish(program, folder, *flags):
        found.append((program, folder.name, *flags))
        seed = int(folder.name[-1])
        place = {"accuracy": 80.0 + seed, "rank": 1000 - seed}
        benchmark = {"architecture": "|none~0|", "columns": {"cifar10_test": place}}
        result = {"spent_seconds": 57.0, "candidates": 7, "origin": "random"}
        return {**result, "benchmark": benchmark}

    def load(name, *, seed, **options):
        found.append(("decoded", f"seed_{seed}"))

    monkeypatch.setattr(auto_searches, "finish", finish)
    monkeypatch.setattr(auto_searches.datasets, "load", load)
    return found


@pytest.fixture
def config(tmp_path):
    return SearchesConfig(
        data_dir="DATA",
        benchmark_table="TABLE",
        budgets=("1m", "90s"),
        proposals=("predicted", "evolution"),
        seeds=2,
        runs=str(tmp_path / "runs"),
        output=str(tmp_path / "out"),
    )


def test_all_with_one_seed_come_first_and_nothing_is_run_twice(asked, config, tmp_path):
    main(config)
    names = [name for _, name, *_ in asked]
    one = ["predicted_60", "evolution_60", "predicted_90", "evolution_90"]
    assert names == [f"{x}seed_{seed}" for seed in (0, 1) for x in ["", *(f"{n}_" for n in one)]]
    assert {"--budget=90s", "--seed=1", "--proposals=evolution"} <= set(asked[-1])
    main(config)
    assert len(asked) == 10
    rows = list(csv.DictReader((tmp_path / "out" / "nas_bench_201.csv").open()))
    assert len(rows) == 8 and rows[-1]["cifar10_test"] == "81.0"
    text = (tmp_path / "out" / "nas_bench_201.md").read_text()
    assert text == summary(rows)
    line = (
        f"| 1 | processor | evolution | {RULES} | 2 | 80.50 ± 0.71 | 80.00, 81.00 | 1,000, 999 "
        "| 7, 7 | 0.95 |"
    )
    assert text.splitlines()[2] == line


def test_other_rules_are_other_searches(asked, config):
    main(config)
    main(SearchesConfig(**{**vars(config), "rules": "next"}))
    assert len(asked) == 20


def test_a_budget_of_work_is_another_search(asked, config):
    main(config)
    main(SearchesConfig(**{**vars(config), "budget_of": "reference"}))
    assert len(asked) == 20 and asked[-1][1] == "evolution_reference_90_seed_1"
    assert "--budget_of=reference" in asked[-1] and "--budget_of=processor" in asked[9]
