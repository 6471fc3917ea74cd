"""Searches that grow, from the command line."""

import json

import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.search import growth
from train import search
from train.search import DistributedSearchConfig


class Kill(BaseException):
    pass


@pytest.fixture
def series(tmp_path):
    path = tmp_path / "x.csv"
    lines = [f"{100 + np.sin(i)},{50 + np.cos(i)}" for i in range(40)]
    path.write_text("\n".join(["a,b", *lines]) + "\n")
    return path


def words(series, folder, **settings):
    settings = {
        **{"task": "forecasting", "dataset": series, "space": "two_input_rnn", "window": 3},
        **{"method": "growing-splits", "rule_options": "patience=1,stages=2", "epochs": 3},
        **{"batch_size": 8, "channels": 2, "eigenvalue_every": 0, "output_dir": folder},
        **settings,
    }
    return [f"--{name}={value}" for name, value in settings.items()]


def run(*args, **settings):
    search.main(DistributedSearchConfig.from_words(words(*args, **settings)))


def losses(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["val_loss"] for line in lines]


def test_broken_off_in_the_step_that_grows(series, tmp_path, eagerly, monkeypatch):
    # Every supernet seems better than the one before, so that it grows as often as it can.
    monkeypatch.setattr("darts_tf.schedules.growing.judge", judge_by_age)
    run(series, tmp_path / "whole")
    with monkeypatch.context() as patch:
        # Behind the supernet that the split is measured with, and the split itself.
        patch.setattr(growth.growing, "finished", fails_at(3, growth.growing.finished))
        with pytest.raises(Kill):
            run(series, tmp_path / "killed")
    assert not (tmp_path / "killed" / "genotype.json").exists()
    run(series, tmp_path / "killed")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    lines = (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["nodes"] for line in lines] == [1, 1, 2]
    whole, killed = (
        Genotype.load(tmp_path / name / "genotype.json") for name in ("whole", "killed")
    )
    assert whole == killed


def judge_by_age(losses, patience):
    own = [number for number, _ in losses if number == losses[-1][0]]
    return "better" if len(own) > patience else "going on"


def fails_at(count, original):
    calls = []

    def call(*args):
        calls.append(args)
        if len(calls) == count:
            raise Kill
        return original(*args)

    return call


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": "darts_rnn", "method": "growing"}, "space 'darts_rnn' do not grow by nodes"),
        ({"space": "darts_rnn"}, "needs the space two_input_rnn, got darts_rnn"),
        ({"rule_options": "patience=0"}, "patience is 0"),
        ({"rule_options": "patience=x"}, "is 'x'; expected a whole number"),
        ({"rule_options": "patience"}, "--rule_options: got 'patience', expected name=value"),
        ({"method": "darts-v1"}, "unknown option 'patience' .* this method's has none"),
    ],
)
def test_what_does_not_grow_is_refused_at_once(series, tmp_path, settings, message):
    with pytest.raises(UserError, match=message):
        run(series, tmp_path / "run", **settings)
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_chain_for_a_language_model(tmp_path, eagerly):
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat. " * 40)
    settings = {"task": "language_model", "window": None, "bptt": 8, "epochs": 1}
    given = words(text, tmp_path / "run", **settings)
    search.main(DistributedSearchConfig.from_words([w for w in given if "None" not in w]))
    found = json.loads((tmp_path / "run" / "genotype.json").read_text())
    assert found["space"]["config"]["name"] == "two_input_rnn"
    assert len(found["cells"]["recurrent"]["nodes"]) == 1
