import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from darts_tf import genotypes
from darts_tf.budget import clock, contenders
from darts_tf.budget.image_candidates import ImageCandidates
from darts_tf.budget.journal import Journal
from darts_tf.budget.proposals import PROPOSALS
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.networks import build_network
from darts_tf.runs.run_folder import RunFolder
from train import auto, auto_compare


class Ticks:
    """A clock on which a second passes whenever somebody looks."""

    def __init__(self):
        self.seconds = 0

    def __call__(self):
        self.seconds += 1
        return float(self.seconds)


@pytest.fixture
def config(tmp_path, monkeypatch, one_stage_space):
    monkeypatch.setitem(clock.KINDS, "processor", Ticks())
    # Few rungs: to build a network takes longer than to train it here.
    few = dataclasses.replace(PROPOSALS["predicted"], rungs=3)
    monkeypatch.setitem(PROPOSALS, "predicted", few)
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 100, (60, 8, 8, 1)) + 120 * labels[:, None, None, None]
    np.savez(
        tmp_path / "tiny.npz",
        **{"x_train": images[:40].astype(np.uint8), "y_train": labels[:40]},
        **{"x_test": images[40:].astype(np.uint8), "y_test": labels[40:]},
    )
    return auto.AutoConfig(
        dataset=str(tmp_path / "tiny.npz"),
        budget="60s",
        space=one_stage_space,
        channels=2,
        cells=1,
        proxy_steps=1,
        output_dir=str(tmp_path / "run"),
    )


def records(folder):
    lines = (folder / "candidates.jsonl").read_text().splitlines()
    times = ("seconds", "spent")
    return [{k: v for k, v in json.loads(line).items() if k not in times} for line in lines]


@pytest.mark.slow
class TestMain:
    def test_killed_twice_it_finds_the_same(self, config, tmp_path, monkeypatch, capsys):
        auto.main(config)
        folder = tmp_path / "run"
        genotype = genotypes.get(str(folder / "genotype.json"))
        result = json.loads((folder / "result.json").read_text())
        assert result["candidates"] == 2 and result["spent_seconds"] <= 63
        assert result["network"]["channels"] == 2
        assert not (folder / "weights").exists()
        assert "found the best of 2 cells" in capsys.readouterr().out

        again = dataclasses.replace(config, output_dir=str(tmp_path / "again"))
        plain = auto._Steps.__call__

        def killed(self, record, search):
            plain(self, record, search)
            raise KeyboardInterrupt

        monkeypatch.setattr(auto._Steps, "__call__", killed)
        # The first record is that of the start.
        for count in (1, 2, 3):
            with pytest.raises(KeyboardInterrupt):
                auto.main(again)
            assert len(records(tmp_path / "again")) == count
            assert (tmp_path / "again" / "genotype.json").exists() == (count > 1)
            RunFolder._fresh.clear()
        monkeypatch.setattr(auto._Steps, "__call__", plain)
        auto.main(again)
        assert records(tmp_path / "again") == records(folder)
        assert genotypes.get(str(tmp_path / "again" / "genotype.json")) == genotype

    def test_a_budget_of_work_gives_the_same_whatever_the_load(self, config, tmp_path, capsys):
        # The clock of the other kinds would end it at once.
        config = dataclasses.replace(config, budget="8s", budget_of="reference")
        lines = []
        for name in ("one", "other"):
            auto.main(dataclasses.replace(config, output_dir=str(tmp_path / name)))
            lines.append((tmp_path / name / "candidates.jsonl").read_bytes())
            RunFolder._fresh.clear()
        assert lines[0] == lines[1] and lines[0].count(b"\n") > 2
        assert json.loads(lines[0].splitlines()[-1])["spent"] <= 8
        assert "of reference work" in capsys.readouterr().out

    def test_images_may_want_another_stem(self, config, one_edge_space, tmp_path):
        config = dataclasses.replace(config, space=one_edge_space, cells=3)
        auto.main(dataclasses.replace(config, budget="20s", stem="space_to_depth"))
        folder = tmp_path / "run"
        found = genotypes.get(str(folder / "genotype.json"))
        size = found, (8, 8, 1), 2, 2, 3
        network = build_network(*size, stem="space_to_depth")
        result = json.loads((folder / "result.json").read_text())
        multiply_adds = counted.multiply_adds(network)
        assert result["network"]["multiply_adds"] == multiply_adds
        candidates = [record for record in records(folder) if "genotype" in record]
        own = next(one for one in candidates if one["genotype"] == found.to_dict())
        assert own["costs"]["multiply_adds"] == multiply_adds
        assert multiply_adds != counted.multiply_adds(build_network(*size))

    def test_the_clock_has_counted_since_the_program_began(self, config, monkeypatch):
        given = []

        def search_for(*arguments, **options):
            given.append(options["since"])
            raise KeyboardInterrupt

        monkeypatch.setattr(auto.budgets, "search_for", search_for)
        for kind in ("wall", "processor"):
            with pytest.raises(KeyboardInterrupt):
                auto.main(dataclasses.replace(config, budget_of=kind))
            RunFolder._fresh.clear()
        assert given == [auto.train.startup.STARTED, 0.0]

    def test_an_impossible_limit_names_the_least(self, config):
        with pytest.raises(UserError, match="--max_parameters=10 is impossible: .* has 32 weights"):
            auto.main(dataclasses.replace(config, max_parameters=10))

    def test_a_limit_is_met(self, config, tmp_path):
        auto.main(dataclasses.replace(config, max_flops=20_000))
        result = json.loads((tmp_path / "run" / "result.json").read_text())
        assert result["network"]["multiply_adds"] <= 20_000

    def test_proposals_decide_and_are_told(self, config, tmp_path, monkeypatch):
        given = []

        def search_for(*arguments, **options):
            given.append(options["proposals"])
            raise KeyboardInterrupt

        monkeypatch.setattr(auto.budgets, "search_for", search_for)
        config = dataclasses.replace(config, proposals="evolution")
        with pytest.raises(KeyboardInterrupt):
            auto.main(config)
        assert given == ["evolution"] and config.decisive()["proposals"] == "evolution"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"budget": "soon"}, "expected a time such as 15m"),
            ({"output_dir": None}, "--output_dir is missing"),
            ({"compare_rates": ("fast",)}, "--compare_rates=fast: expected numbers above 0"),
            ({"compare_seeds": 2, "given": frozenset(["compare_seeds"])}, "is for --compare"),
            ({"compare": True, "proposals": "random"}, "got --proposals=random"),
        ],
    )
    def test_refused(self, config, changes, message):
        with pytest.raises(UserError, match=message):
            auto.main(dataclasses.replace(config, **changes))


@pytest.mark.slow
def test_compare(config, tmp_path, monkeypatch):
    # To build the published cell's network, and to train any, takes long.
    names = ("published cell DARTS_V2", "residual network")
    for name in names:
        monkeypatch.delitem(contenders.CONTENDERS, name)
    found = {"score": 0.5, "accuracy": 0.5, "steps": 1}
    monkeypatch.setattr(ImageCandidates, "train", lambda *arguments: found)
    seen = []

    def train(network, stream, recipe, **options):
        seen.append((network.name, recipe.learning_rate))

    def measure(network, batches, task):
        examples = sum(len(labels) for _, labels in batches)
        # 8 images validate, 20 test; the larger rate is the better one.
        return {"accuracy": {8: 0.5, 20: 0.7}[examples] + seen[-1][1] + 0.01 * len(seen)}

    monkeypatch.setattr(auto_compare.training, "train_network", train)
    monkeypatch.setattr(auto_compare.training, "test_network", measure)
    options = {"compare": True, "compare_epochs": 1, "compare_seeds": 2}
    # A search that is finished may be compared later, and stays what it is.
    auto.main(config)
    result = (tmp_path / "run" / "result.json").read_bytes()
    config = dataclasses.replace(config, **options, compare_rates=("0.05", "0.1"))
    auto.main(config)
    assert (tmp_path / "run" / "result.json").read_bytes() == result
    assert b"aging evolution" in (tmp_path / "run" / "report.html").read_bytes()
    content = json.loads((tmp_path / "run" / "comparison.json").read_text())
    rows = {row["name"]: row for row in content["rows"]}
    assert rows["found cell"]["kind"] == "found" and len(rows) >= 3
    # Each has as many tries, of the same learning rates, and then both seeds with the better one.
    assert [rate for _, rate in seen] == [0.05, 0.1, 0.1, 0.1] * len(rows)
    for number, row in enumerate(rows.values()):
        assert row["learning_rate"] == 0.1 and row["seeds"] == 2
        assert row["value"] == pytest.approx(0.8 + 0.01 * (4 * number + 3.5))
        assert row["deviation"] == pytest.approx(0.01 / np.sqrt(2))
    if other := rows.get("separable convolutions"):
        assert other["multiply_adds"] <= rows["found cell"]["multiply_adds"]
    found = rows["found cell"]["search_seconds"]
    assert found == json.loads(result)["spent_seconds"]
    # A comparison that goes on trains nothing twice.
    (tmp_path / "run" / "comparison.json").unlink()
    auto.main(config)
    assert len(seen) == 4 * len(rows)
    # With more seeds only these are trained.
    for _ in range(2):
        auto.main(dataclasses.replace(config, compare_seeds=3))
        assert len(seen) == 5 * len(rows)
    content = json.loads((tmp_path / "run" / "comparison.json").read_text())
    assert {row["seeds"] for row in content["rows"]} == {3}


class TestChannels:
    def test_what_was_chosen_stays_whatever_is_measured_later(self, tmp_path, monkeypatch, capsys):
        measured = iter([4, UserError("with two channels it has too many"), 8, 16])

        def widest(make, multiply_adds, limits):
            found = next(measured)
            if isinstance(found, UserError):
                raise found
            return found, {}

        monkeypatch.setattr(contenders, "widest", widest)
        for _ in range(2):
            journal = Journal(tmp_path / "trainings.jsonl")
            given = None, 100, None
            assert auto_compare._channels(journal, "plain", *given) == 4
            assert auto_compare._channels(journal, "residual", *given) is None
            said = capsys.readouterr().out
            assert said == "residual is left out: with two channels it has too many\n"
        assert next(measured) == 8


def test_compared_networks_have_the_stem_of_the_data(monkeypatch):
    built = []
    for module in (auto_compare, contenders):
        monkeypatch.setattr(module, "build_network", lambda *size, **more: built.append(more))
    data = SimpleNamespace(input_shape=(64, 64, 3), num_classes=2, stem="space_to_depth")
    auto_compare._builder(auto.AutoConfig(), data, None)()
    contenders.published((64, 64, 3), 2, 2, stem="imagenet")
    assert built == [{"stem": "space_to_depth"}, {"stem": "imagenet"}]
