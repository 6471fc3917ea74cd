import dataclasses
import pathlib
import re

import numpy as np
import pytest

from darts_tf import methods, relaxations, selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.relaxations import Softmax
from darts_tf.schedules import Linear, Stage, keep_largest
from darts_tf.schedules.rules import Observation
from darts_tf.search import checks


class Hard(Softmax):
    draws = relaxations.Draws(single=True)


@pytest.fixture(scope="module", autouse=True)
def hard():
    relaxations.register("hard_softmax", Hard())
    yield
    relaxations._RELAXATIONS._entries.pop("hard_softmax")


def change(name, **changes):
    return dataclasses.replace(methods.get(name), **changes)


@pytest.mark.parametrize("name", methods.METHODS)
def test_every_row_has_parts_that_fit(name):
    method = methods.get(name)
    method.check()
    assert method.name == name and method.paper


@pytest.mark.parametrize(
    "method, reason",
    [
        (change("darts-v2", relaxation="hard_softmax"), "'finite_difference' differentiates a"),
        (change("darts-v2-exact", relaxation="hard_softmax"), "'unrolled' differentiates a"),
        (change("darts-v1", gradient="neumann", relaxation="hard_softmax"), "'neumann'"),
        (change("gdas", gradient="finite_difference"), "'hard_gumbel' computes one sampled"),
        (change("gdas", gradient="unrolled"), "'unrolled' differentiates a"),
        (change("gdas", gradient="one_level"), "'gdas' steps the weights first"),
        (change("darts-v2", nesterov=True), "'darts-v2' has Nesterov's"),
        (change("darts-v1", temperature=Linear(1, 0)), "'softmax' has no temperature"),
        (change("darts-v1", relaxation="soft"), "unknown relaxation 'soft'"),
        (
            change("sf", gradient="first_order"),
            "'first_order' differentiates the operation w",
        ),
        (change("gdas", gradient="ram"), "'hard_gumbel' has another distribution or none"),
        (change("ram", gradient_options={"edge": 3}), "unknown option 'edge' of the hypergradient"),
        (change("darts-v1", selection="best"), "unknown selection 'best'"),
        (change("darts-v1", gradient="third"), "unknown hypergradient 'third'"),
    ],
)
def test_combinations_without_meaning_are_refused(method, reason):
    with pytest.raises(UserError, match=reason):
        method.check()


def test_a_hard_sample_has_first_order_gradients():
    change("darts-v1", relaxation="hard_softmax").check()
    change("one-level", relaxation="hard_softmax").check()


def test_papers_settings():
    snas, fair, drnas = (methods.get(name) for name in ("snas", "fair-darts", "drnas"))
    assert snas.temperature(75, 150) == pytest.approx(0.515)
    assert snas.architecture_clip_norm == 10
    assert fair.weight_learning_rate == (0.005, 0.001)
    assert fair.architecture_learning_rate == 3e-3 and fair.architecture_betas == (0.9, 0.999)
    assert drnas.architecture_weight_decay == 0
    gdas, pc_darts = (methods.get(name) for name in ("gdas", "pc-darts"))
    assert [gdas.temperature(e, 250) for e in (0, 249)] == pytest.approx([10, 0.1])
    assert gdas.weights_first and gdas.weight_decay == 5e-4
    assert gdas.make_weight_optimizer(10).nesterov
    assert pc_darts.weight_learning_rate == (0.1, 0) and pc_darts.architecture_learning_rate == 6e-4
    assert [pc_darts.warm_up(e, 50) for e in (0, 14, 15, 49)] == [True, True, False, False]


@pytest.mark.parametrize("name", ["sgas", "sgas-2", "darts-minus", "gdas", "p-darts"])
def test_a_method_makes_the_supernet_that_it_searches(name, one_edge_space):
    method = methods.get(name)
    if method.stages:
        method = method.of_stage(Stage(cells=3, skip_dropout=0.4))
    supernet = method.make_supernet(one_edge_space, (4, 4, 1), 2, channels=2, cells=3)
    checks.check_method(method, supernet, accumulate_steps=1)
    config = supernet.get_config()
    assert config["decisions"] == name.startswith("sgas") and config["cells"] == 3
    assert config["auxiliary_skip"] == (name == "darts-minus")
    assert config["skip_dropout"] == (name == "p-darts")


def test_nobody_else_makes_a_supernet_for_a_method():
    """A supernet's needs besides its relaxation have been forgotten where it was made by hand."""
    root = pathlib.Path(methods.__file__).parents[1]
    folders = (root / "train", root / "darts_tf/benchmark", root / "darts_tf/tuner")
    for path in (path for folder in folders for path in folder.glob("*.py")):
        assert not re.search(r"\bSupernet\(", path.read_text()), path


def weights_of(method, space):
    """The operation weights of random architecture variables: what the method's selection gets."""
    relaxation, draw = relaxations.get(method.relaxation), np.random.default_rng(0)
    return {
        cell_type: relaxation.probabilities(
            space,
            cell_type,
            {
                name: draw.normal(start.mean, 1, start.shape).astype("float32")
                for name, start in relaxation.variables(space).items()
            },
        ).numpy()
        for cell_type in space.cell_types
    }


@pytest.mark.parametrize("name", spaces.names(searchable_only=True))
@pytest.mark.filterwarnings("ignore:.*no operation that was selected:UserWarning")
def test_no_method_names_an_operation_that_a_space_lacks(name):
    """Everything about methods that looks at a space, without networks."""
    for method in (method for method in methods.METHODS.values() if method.has_supernet):
        space = spaces.get(name)
        for stage in method.stages or (Stage(cells=3),):
            weights = weights_of(method, space)
            if not selections.needs_data(method.selection):
                genotype = selections.get(method.selection)(space, weights)
                assert genotype.space == name, method.name
            if method.rule is not None:
                nothing = dict.fromkeys(space.cell_types, np.zeros(len(space.edges), bool))
                now = [
                    Observation(e, selections.magnitude(space, weights), weights, nothing, 1.0)
                    for e in range(method.rule.memory)
                ]
                assert method.rule(now, 50, space) is not None
            if stage.keep:
                space = space.restrict(keep_largest(space, weights, stage.keep))


class TestForSpace:
    def test_images_have_the_rows_of_the_table(self):
        for name, method in methods.METHODS.items():
            assert methods.get(name, "darts_cnn") == method

    def test_texts(self):
        found = methods.get("gdas", "darts_rnn")
        assert found.weight_learning_rate == (20.0, 20.0) and found.weight_momentum == 0
        assert (found.clip_norm, found.unrolled_clip_norm) == (0.25, 0.25)
        assert found.weight_decay == 5e-7 and not found.nesterov
        assert found.architecture_betas == (0.9, 0.999)
        assert found.architecture_learning_rate.for_steps(5200) == 3e-3
        # What is the method's own stays.
        assert found.relaxation == "hard_gumbel" and found.weights_first
        assert found.temperature == methods.METHODS["gdas"].temperature

    def test_a_method_without_decay_of_the_alphas_stays_so(self):
        assert methods.get("sf", "darts_rnn").architecture_weight_decay == 0
        assert methods.get("darts-v1", "darts_rnn").architecture_weight_decay == 1e-3

    def test_a_method_of_ones_own_stays_as_it_is(self):
        own = methods.METHODS["darts-v1"]
        assert methods.get(own, "darts_rnn") is own
