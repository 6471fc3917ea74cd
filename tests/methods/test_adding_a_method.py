"""A method is added by one file, and nothing else has to know of it."""

import ast
import dataclasses
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from darts_tf import METHODS, gradients, methods, relaxations, selections
from darts_tf.benchmark import workloads
from darts_tf.budget.image_search import SUPERNETS
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost, memory
from darts_tf.genotypes.forms import FORMS
from darts_tf.search import record
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.tuner import ArchitectureTuner
from train import search_changes, search_checks, selection_flags
from train.search_flags import SearchConfig

ROOT = pathlib.Path(__file__).parents[2]
SIZE = ((4, 4, 1), 2, 2, 3)


def examples(document):
    """The Python files that a page of the documentation shows."""
    text = (ROOT / "docs" / document).read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def add(monkeypatch, number):
    """Runs an example of the documentation; returns the name of the method that it adds."""
    for registry in (METHODS, relaxations._RELAXATIONS, gradients._GRADIENTS):
        monkeypatch.setattr(registry, "_entries", dict(registry))
    before = set(METHODS)
    code = compile(examples("adding_a_method.md")[number], "example.py", "exec")
    # Twice, as a cell of a notebook may be run.
    for _ in range(2):
        exec(code, {"__name__": "example"})
    (name,) = set(METHODS) - before
    return name


@pytest.fixture
def added(monkeypatch):
    """The name of the method with a relaxation of its own."""
    return add(monkeypatch, 0)


@pytest.mark.parametrize("document, count", [("adding_a_method.md", 2), ("adding_a_task.md", 1)])
def test_a_part_of_ones_own_has_30_lines(document, count):
    """A relaxation, an estimator and a task, each with its method or name; empty lines aside."""
    lengths = [sum(bool(line) for line in e.splitlines()) for e in examples(document)]
    assert len(lengths) == count and max(lengths) <= 30


def test_an_estimator_of_ones_own(monkeypatch, eagerly, one_edge_space):
    method = METHODS[add(monkeypatch, 1)]
    # L_val = w a^2 and L_train = 3 a w^2 at w = 2, a = 5: 2 w a + 0.5 * 3 w^2.
    problem = gradients.BilevelProblem(
        lambda w, a, batch: 3 * a[0] * w[0] ** 2, lambda w, a, batch: w[0] * a[0] ** 2
    )
    point = {"architecture": [tf.constant(5.0)], "weights": [tf.constant(2.0)]}
    found = method.make_gradient()(problem, point, {"architecture": None, "weights": None})
    assert [float(x) for x in found.architecture] == [20 + 6] and float(found.loss) == 50
    search = ArchitectureSearch(method.make_supernet(one_edge_space, *SIZE), method)
    assert np.isfinite(search.fit(batches, batches, 1, verbose=0).history["loss"]).all()
    settings = record.settings(search.supernet, method)
    assert settings["method gradient"] == "mixed_level"


def batches(epoch):
    draw = np.random.default_rng(epoch)
    images = draw.normal(size=(4, 4, 4, 1)).astype("float32")
    return tf.data.Dataset.from_tensors((images, np.array([0, 1, 0, 1])))


def test_it_searches(added, eagerly, one_edge_space):
    keras.utils.set_random_seed(0)
    method = METHODS[added]
    search = ArchitectureSearch(method.make_supernet(one_edge_space, *SIZE), added)
    history = search.fit(batches, batches, 2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert float(search.supernet.architecture.temperature) == 4.0
    found = selections.every_edge(search.supernet.space, search.operation_weights())
    assert search.genotype() == found
    settings = record.settings(search.supernet, method)
    assert settings["method relaxation"] == settings["supernet relaxation"] == added


def test_the_benchmark_and_the_estimate_of_memory_know_it(added, eagerly, one_edge_space):
    size = workloads.Size(channels=2, cells=3, batch_size=2, image_size=8)
    measured = workloads.measure_search(
        size, added, space=one_edge_space, steps=1, warmup=0, estimate=True
    )
    assert len(measured.step_seconds) == 1
    supernet = METHODS[added].make_supernet(one_edge_space, *SIZE)
    assert memory.estimate(supernet, METHODS[added].gradient, 0).image_bytes > 0


def test_the_tuner_takes_it(added, one_edge_space, tmp_path):
    tuner = ArchitectureTuner(one_edge_space, *SIZE[:2], method=added, directory=tmp_path)
    assert tuner._methods == {added: METHODS[added]}


def test_the_programs_take_it(added):
    known = SearchConfig.define_flags(flags.FlagValues())
    rows = [name for name in METHODS if name != added]
    assert known["method"].parser.enum_values == rows
    assert rows[-2:] == ["random", "aging-evolution"]
    config = SearchConfig(method=added)
    method = config.make_method()
    assert method == METHODS[added]
    search_checks.check(config, method)
    changeable = search_changes.changeable(config, method)
    assert changeable.difference({"epochs": 1}, {"epochs": 2}) is None
    assert config.size() == (16, 8)
    select, tuning = selection_flags.get(config, method.selection, method, 0, None)
    assert select is selections.every_edge and tuning is None


def test_the_programs_take_parts_without_names(added):
    own = dataclasses.replace(METHODS[added], name="own", relaxation=Doubled(), selection=last)
    methods.register(own)
    config = SearchConfig(method="own", edge_order="random")
    assert config.make_method() == own
    assert selection_flags.get(config, own.selection, own, 0, None) == (last, None)
    with pytest.raises(UserError, match="decide edge by edge .*, got last"):
        search_checks.check(config, own)


class Doubled(relaxations.Relaxation):
    """A relaxation with a temperature and no name."""

    temperature = 1.0


def last(space, weights):
    """A selection without a name."""


def constants(path):
    return {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}


def test_nothing_but_the_table_names_a_method():
    """Apart from those that functions and programs use unless they are told another one."""
    of_other_axes = {*gradients.names(), *expected_cost.KINDS, *relaxations.names(), *FORMS}
    rows = {name for name, method in METHODS.items() if method.has_supernet}
    # A rule of that name grows.
    names = rows - of_other_axes - {"darts-v1", "darts-v2", "growing"}
    files = [*(ROOT / "darts_tf").rglob("*.py"), *(ROOT / "train").rglob("*.py")]
    found = {str(path.relative_to(ROOT)): names & constants(path) for path in files}
    naming = {path: named for path, named in found.items() if named}
    # Which supernets a budget begins with is told by their rows' names, too.
    assert naming.pop("darts_tf/budget/image_search.py") == set(SUPERNETS)
    assert naming == {"darts_tf/methods/table.py": names}


@pytest.mark.parametrize(
    "room, defaults",
    [
        (relaxations, {"softmax"}),
        (selections, {"magnitude", "operation_strength", "removal"}),
    ],
)
def test_a_part_is_named_in_its_room_and_in_rows_only(room, defaults):
    """So a new part is one file, an entry in its room's table, and the rows that combine it."""
    # Operations, options of other libraries and what logs hold may have the same names.
    names = {*room.names()} - {*defaults, "sigmoid", "uniform", "categorical", "grown", "threshold"}
    folder = pathlib.Path(room.__file__).parent.relative_to(ROOT)
    for path in (*(ROOT / "darts_tf").rglob("*.py"), *(ROOT / "train").rglob("*.py")):
        own = path.relative_to(ROOT)
        if folder not in own.parents and own != pathlib.Path("darts_tf/methods/table.py"):
            assert not names & constants(path), path
