import dataclasses
import json

import pytest

from darts_tf import methods
from darts_tf.runs.run_folder import RunFolder
from train import rates

METHOD = methods.get("darts-v1")
EPOCHS, STEPS = 5, 195  # The rate is 20 times the paper's.
FILE = "architecture_learning_rate.json"


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run", {})


def settled(folder, method=METHOD):
    return rates.settle(folder, method, EPOCHS, STEPS)


def begin(folder):
    (folder.checkpoints / "stage_1").mkdir(parents=True)
    (folder.checkpoints / "stage_1/ckpt-1.index").touch()


def test_a_new_run_follows_the_rule_and_so_does_its_second_start(folder):
    assert settled(folder) is METHOD
    begin(folder)
    assert settled(folder) is METHOD
    assert json.loads(folder.file(FILE).read_text()) == pytest.approx(6e-3)
    assert rates.of_run(folder.path, METHOD).architecture_learning_rate == pytest.approx(6e-3)


def test_a_run_of_an_earlier_version_keeps_the_papers_rate(folder, capsys):
    begin(folder)
    assert type(rates.of_run(folder.path, METHOD).architecture_learning_rate) is float
    for _ in range(2):
        method = settled(folder)
        assert method.at_length(EPOCHS, STEPS).architecture_learning_rate == 3e-4
        assert "keeps the learning rate 0.0003, where a new run would have 0.006" in (
            capsys.readouterr().out
        )


def test_a_run_that_has_become_longer_keeps_its_rate(folder):
    """The search takes it from its checkpoint, whose settings name the paper's."""
    folder.write_json(FILE, 0.005)
    begin(folder)
    assert settled(folder) is METHOD
    assert rates.of_run(folder.path, METHOD).architecture_learning_rate == 0.005


def test_a_rate_that_is_given_stays(folder):
    given = dataclasses.replace(METHOD, architecture_learning_rate=0.01)
    assert settled(folder, given) == given
    assert rates.of_run(folder.path, given) == given


def test_another_worker_reads_what_the_chief_wrote(folder):
    begin(folder)
    chief = settled(folder)
    worker = settled(RunFolder(folder.path, {}, writes=False))
    for method in (chief, worker):
        assert method.at_length(EPOCHS, STEPS).architecture_learning_rate == 3e-4


def test_nothing_is_written_where_no_alphas_move(folder):
    method = methods.get("random-ws")
    assert settled(folder, method) is method and not folder.file(FILE).exists()
