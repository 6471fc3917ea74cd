"""The whole way: a step to a folder, and the folder through scripts/run_lowered.py."""

import argparse
import importlib
import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces
from darts_tf.benchmark import recorded_steps
from darts_tf.common.errors import UserError
from darts_tf.genotypes import CellGenotype, Genotype
from darts_tf.verification.supernets import dtype_policy
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


@pytest.mark.slow
def test_in_float64(program, tmp_path, one_edge_space):
    """No rounding explains anything: a search that draws operations, to a ten-millionth."""
    keras.config.set_floatx("float64")
    try:
        with dtype_policy("float64"):
            words = ["--method=gdas", "--precision=float64"]
            folder = program.Folder(str(lower(tmp_path / "gdas", one_edge_space, words)))
    finally:
        keras.config.set_floatx("float32")
    assert folder.manifest["precision"] == "float64"
    for name, array in zip(folder.names, folder.after, strict=True):
        if name.startswith(("weights/", "statistics/batch")):
            assert array.dtype == "float64"
    steps = program.Steps(folder, "exact", program.jax.devices("cpu")[0])
    found = program.check(folder, steps, "exact")
    assert found.wrong == []
    assert found.found["weights"]["difference"] < 1e-7


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
    found = program.check(folder, steps, "exact")
    assert found.wrong == [] and found.found["weights"]["allowed"] < 4e-3
    for i, variable in enumerate(folder.names):
        if variable.startswith(f"{group}/"):
            steps.change(i, wrong(folder.before[i], folder.after[i]))
    lines = program.check(folder, steps, "exact").wrong
    assert lines and all(line.startswith(f"{group}/") for line in lines)


@pytest.mark.parametrize("amplified, equal", [(0.0, False), (0.02, True), (0.01, False)])
def test_where_a_step_amplifies_roundings(amplified, equal, search, program):
    """As far apart as five times what one variable of the kind does with other roundings."""
    folder = program.Folder(str(search))
    weights = [i for i, name in enumerate(folder.names) if name.startswith("weights/")]
    way = [np.abs(folder.after[i] - folder.before[i]).max() for i in weights]
    folder.nudged = [np.float64(0)] * len(folder.names)
    folder.nudged[weights[0]] = amplified * way[0]
    steps = Replayed(folder)
    steps.change(weights[-1], folder.after[weights[-1]] + 0.08 * way[-1])
    assert (program.check(folder, steps, "exact").wrong == []) == equal


def test_what_only_roundings_move(search, program):
    """It is said and not compared, unless it is no number; and the others are as before."""
    folder = program.Folder(str(search))
    first, *_, last = (i for i, name in enumerate(folder.names) if name.startswith("weights/"))
    folder.nudged[first] = 0.2 * np.abs(folder.after[first] - folder.before[first]).max()
    steps = Replayed(folder)
    steps.change(first, 2 * folder.after[first] - folder.before[first])
    found = program.check(folder, steps, "exact")
    assert found.wrong == [] and found.left_out == [folder.names[first]]
    steps.change(last, 1.1 * folder.after[last] - 0.1 * folder.before[last])
    (line,) = program.check(folder, steps, "exact").wrong
    assert line.startswith(folder.names[last])
    steps.change(last, folder.after[last])
    steps.change(first, np.full_like(folder.after[first], np.nan))
    (line,) = program.check(folder, steps, "exact").wrong
    assert line.startswith(folder.names[first])


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


@pytest.mark.parametrize("rounded, weak", [(0.3, False), (0.6, True)])
def test_where_bfloat16_tells_little(rounded, weak, search, program):
    """Where twice its roundings are more than the way, not to have moved would do: it is said."""
    folder = program.Folder(str(search))
    steps = Replayed(folder)
    for i, name in enumerate(folder.names):
        if name.startswith("alphas/"):
            folder.rounded[i] = rounded * np.linalg.norm(folder.after[i] - folder.before[i])
            steps.change(i, folder.before[i])
    found = program.check(folder, steps, "fast")
    assert ("alphas" in found.weak) == (found.wrong == []) == weak


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
