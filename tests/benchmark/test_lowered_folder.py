"""The whole way: a step to a folder, and the folder through scripts/run_lowered.py."""

import argparse
import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.benchmark import recorded_steps
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Genotype
from tests.forks import REPOSITORY
from train import lowering
from train.benchmark import _size
from train.benchmark_flags import BenchmarkConfig

SCRIPTS = pathlib.Path(REPOSITORY) / "scripts"
STEPS = 2
SIZES = ["--channels=2", "--cells=3", "--image_size=8", "--batch_size=2", f"--steps={STEPS}"]
# Neither TensorFlow nor this project can be imported.
ALONE = """
import runpy, sys
for name in ("tensorflow", "keras", "darts_tf", "train"):
    sys.modules[name] = None
sys.path.insert(0, {folder!r})
sys.argv = [{program!r}, *{arguments!r}]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_alone(*arguments):
    program = str(SCRIPTS / "run_lowered.py")
    code = ALONE.format(folder=str(SCRIPTS), program=program, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=False
    )


def lower(folder, space, words):
    """Writes a folder; TensorFlow's steps are run eagerly, because a few are not worth a trace."""

    def eagerly(function):
        def run(*args):
            tf.config.run_functions_eagerly(True)
            try:
                return function(*args)
            finally:
                tf.config.run_functions_eagerly(False)

        return run

    config = BenchmarkConfig.from_words([*SIZES, f"--lower={folder}", *words])
    with pytest.MonkeyPatch.context() as patch:
        for name in ("record_search", "record_training"):
            patch.setattr(recorded_steps, name, eagerly(getattr(recorded_steps, name)))
        lowering.run(config, _size(config), spaces.get(space), lambda line: None)
    return folder


@pytest.fixture(scope="module")
def program():
    """The modules `run_lowered` and, in it, `lowered_steps`."""
    pytest.importorskip("jax", reason="JAX is not installed; it is optional")
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield importlib.import_module("run_lowered")
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def search(program, tmp_path_factory, one_edge_space):
    """A folder of a search's step."""
    folder = tmp_path_factory.mktemp("lowered") / "darts-v1"
    return lower(folder, one_edge_space, ["--method=darts-v1"])


class Replayed:
    """Steps that come to TensorFlow's own numbers, but for what a test changes."""

    compile_seconds, memory = 0.0, None

    def __init__(self, folder, *_):
        self._folder = folder
        self._after = list(folder.after)

    def restart(self):
        self._done = 0

    def __call__(self):
        number = min(self._done, STEPS - 1)
        self._done += 1
        return [self._folder.expected[name][number] for name in self._folder.results]

    def state(self):
        return self._after

    def change(self, i, array):
        self._after[i] = array.astype(self._after[i].dtype)


def test_without_tensorflow(search):
    """Every variable comes to what `fit` came to, in a process that has JAX alone."""
    done = run_alone(str(search), "--steps=2", "--warmup=0", "--device=cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])["programs"][0]
    groups = {"weights", "alphas", "statistics", "weight_optimizer", "architecture_optimizer"}
    assert groups <= set(found["differences"])
    assert {"loss", "architecture_loss", "gradient_norms"} <= set(found["differences"])
    assert found["equal"] and found["program"] == "exact"
    assert max(one["difference"] for one in found["differences"].values()) < 1e-3
    assert len(found["step_seconds"]) == 2 and found["compile_seconds"] > 0
    assert found["planned_memory_bytes"]["argument"] > 0


def test_training_with_drop_path(program, tmp_path, one_edge_space):
    """A network's step, whose paths are dropped as TensorFlow drops them."""
    cell = CellGenotype(((("nor_conv_1x1", 0),),), spaces.get(one_edge_space).concat)
    Genotype(one_edge_space, {"normal": cell}).save(tmp_path / "genotype.json")
    words = [f"--network={tmp_path / 'genotype.json'}", "--noauxiliary"]
    folder = program.Folder(str(lower(tmp_path / "lowered", one_edge_space, words)))
    rates = [x for name, x in zip(folder.names, folder.before, strict=True) if "/rate" in name]
    assert rates and all(rate == np.float32(0.1) for rate in rates)
    seeds = [i for i, name in enumerate(folder.names) if "seed_generator" in name]
    assert any((folder.after[i] != folder.before[i]).any() for i in seeds)
    steps = program.Steps(folder, "exact", program.jax.devices("cpu")[0])
    assert program.check(folder, steps, "exact").wrong == []


def test_what_is_in_the_folder(search, program):
    manifest = json.loads((search / "manifest.json").read_text())
    assert manifest["steps"] == STEPS and set(manifest["programs"]) == {"exact", "fast"}
    assert manifest["workload"]["method"] == "darts-v1" and manifest["precision"] == "float32"
    folder, moved = program.Folder(str(search)), {}
    for one, before, after in zip(
        manifest["arguments"]["state"], folder.before, folder.after, strict=True
    ):
        assert list(after.shape) == one["shape"] and after.dtype == one["dtype"]
        group = one["name"].partition("/")[0]
        moved[group] = moved.get(group, False) or not np.array_equal(before, after)
    assert all(moved.values())
    assert len(folder.batches) == STEPS and folder.batches[0][0].shape == (2, 8, 8, 3)
    # The rate falls along its schedule, which is as long as the steps.
    (i,) = (i for i, name in enumerate(folder.names) if "sgd" in name and "iteration" in name)
    assert folder.after[i] == STEPS and folder.after[i].dtype == "int64"
    # What bfloat16 makes of the same steps is something else, but not by much.
    change = [folder.rounded_results["loss"], folder.expected["loss"]]
    assert 0 < change[0].max() < 0.1 * change[1].max()


LOST = {
    "moving statistics": ("statistics", lambda before, after: before),
    "momentum": ("weight_optimizer", lambda before, after: before),
    # 3e-4 of the weights times a rate of 0.025, and of half of that with 1.9 times the momentum.
    "decay of weights": ("weights", lambda before, after: after + 1.4e-5 * before),
    "rate of the alphas": ("alphas", lambda before, after: after + 0.01 * (after - before)),
    "a number": ("alphas", lambda before, after: np.full_like(after, np.nan)),
}


@pytest.mark.parametrize("name", LOST)
def test_what_a_wrong_step_would_lose(name, search, program):
    group, wrong = LOST[name]
    folder = program.Folder(str(search))
    steps = Replayed(folder)
    assert program.check(folder, steps, "exact").wrong == []
    for i, variable in enumerate(folder.names):
        if variable.startswith(f"{group}/"):
            steps.change(i, wrong(folder.before[i], folder.after[i]))
    lines = program.check(folder, steps, "exact").wrong
    assert lines and all(line.startswith(f"{group}/") for line in lines)


@pytest.mark.parametrize("part, equal", [(0.0, True), (0.04, True), (100.0, False)])
def test_where_float32_is_rounded(part, equal, search, program):
    """Of a kind of variables together, in units of what bfloat16 makes of them."""
    folder = program.Folder(str(search))
    steps = Replayed(folder)
    for i, name in enumerate(folder.names):
        before, after = folder.before[i], folder.after[i]
        if name.startswith("statistics/") and after.dtype == "float32":
            steps.change(i, after + part * (after - before))
    assert (program.check(folder, steps, "fast").wrong == []) == equal


def test_a_counter_is_exact_everywhere(search, program):
    folder = program.Folder(str(search))
    steps = Replayed(folder)
    (i,) = (i for i, name in enumerate(folder.names) if "sgd" in name and "iteration" in name)
    steps.change(i, folder.after[i] + 1)
    for name in ("exact", "fast"):
        (line,) = program.check(folder, steps, name).wrong
        assert line.startswith(folder.names[i])


def test_exit_code(search, program, monkeypatch, capsys):
    options = argparse.Namespace(
        **{"folder": str(search), "steps": 1, "warmup": 0, "device": "cpu", "program": "auto"},
        **{"json": False, "as_measurement": False, "takes_turns": 1},
    )
    monkeypatch.setattr(program, "Steps", Replayed)
    assert program.main(options) == 0
    monkeypatch.setattr(Replayed, "state", lambda self: [1.5 * x for x in self._folder.before])
    assert program.main(options) == 1
    output = capsys.readouterr().out
    assert "all within the tolerance" in output and "  WRONG: " in output
    monkeypatch.undo()
    options.device = "gpu:7"
    with pytest.raises(SystemExit) as left:
        program.main(options)
    assert left.value.code == 2
    assert "--device=gpu:7" in capsys.readouterr().err


def test_no_such_folder(program, tmp_path):
    done = run_alone(str(tmp_path))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "no folder that train.benchmark --lower has written" in done.stderr


def test_two_that_differ():
    record = recorded_steps.Record(names=["a"], before=[np.zeros(2)])
    other = recorded_steps.Record(names=["a"], before=[np.ones(2)])
    recorded_steps.check_same(record, record)
    with pytest.raises(UserError, match="differ before"):
        recorded_steps.check_same(record, other)
