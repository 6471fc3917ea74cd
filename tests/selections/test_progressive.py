import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.methods.table import METHODS
from darts_tf.search.fine_tuning import FineTuning
from darts_tf.selections.criteria import CRITERIA
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.progressive import ORDERS, Procedure
from darts_tf.supernets.supernet import Supernet

SPACE = spaces.Space(
    "five_edges", ("none", "skip_connect", "sep_conv_3x3"), nodes=2, cell_types=("normal",)
)


class Linear:
    """A loss that is the sum over all edges of weight * slope."""

    def __init__(self, slopes):
        self.slopes = slopes

    def loss(self, mixture):
        return float((mixture["normal"] * self.slopes).sum())


def decide(slopes, order="topological", space=SPACE, name="operation_strength", done=None, seed=0):
    """Runs the procedure on a linear loss: decisions, final weights, what was called."""
    mixture = {"normal": np.full(np.shape(slopes), 1 / 3)}
    calls = []

    def fix(place, row):
        calls.append(place[1])
        mixture[place[0]][place[1]] = row

    procedure = Procedure(
        space,
        CRITERIA[name],
        Linear(np.array(slopes)),
        mixture=lambda: mixture,
        fix=fix,
        between=lambda: calls.append("between"),
    )
    return procedure.run(order, np.random.default_rng(seed), done), mixture["normal"], calls


# The loss falls with the skip connection on the edges 1 and 4, with the convolution elsewhere.
SLOPES = [[-9, -1, -3], [0, -2, -1], [0, 1, 0], [0, -1, -6], [0, -5, -4]]


def test_the_best_operations_and_then_two_edges_a_node():
    decisions, mixture, calls = decide(SLOPES)
    assert [(d.edge, d.operation) for d in decisions] == [
        *[(0, 2), (1, 1), (2, 2), (3, 2), (4, 1)],
        (2, None),
    ]
    np.testing.assert_array_equal(mixture[2], [0, 0, 0])
    np.testing.assert_array_equal(mixture.argmax(axis=1)[[0, 1, 3, 4]], [2, 1, 2, 1])
    # Not after the last decision.
    assert calls == [0, "between", 1, "between", 2, "between", 3, "between", 4, "between", 2]
    assert decisions[3].strengths == pytest.approx({"skip_connect": -4 / 3, "sep_conv_3x3": 11 / 3})
    # Without edge 2 the loss does not change, without 3 it is 6 and without 4 it is 5 higher.
    assert decisions[-1].strengths == pytest.approx({2: 0, 3: 6, 4: 5})


def test_the_largest_margin_first():
    decisions, _, _ = decide(SLOPES, "margin")
    assert [d.edge for d in decisions] == [3, 0, 1, 2, 4, 2]


def test_a_random_order_is_fixed_by_its_seed():
    orders = [[d.edge for d in decide(SLOPES, "random", seed=s)[0]] for s in (0, 0, 1, 2, 3)]
    assert orders[0] == orders[1] and len(set(map(tuple, orders))) > 2
    assert all(sorted(order[:5]) == [0, 1, 2, 3, 4] for order in orders)


def test_edges_that_are_decided_stay():
    done = {"normal": np.array([True, True, False, True, True])}
    decisions, _, calls = decide(SLOPES, done=done)
    assert [d.edge for d in decisions] == [2, 2] and decisions[0].operation == 2


def test_none_where_the_space_holds_it_and_every_edge_is_kept():
    space = spaces.get("nas_bench_201")
    slopes = np.zeros((6, 5))
    slopes[:, 1:] = 1.0
    slopes[5, 3] = -1.0
    decisions, _, _ = decide(slopes, space=space)
    assert [d.operation for d in decisions] == [0, 0, 0, 0, 0, 3]


def test_edges_with_different_candidates():
    names = [("sep_conv_3x3",), ("skip_connect", "none"), ("none",)] + [SPACE.operations] * 2
    decisions, mixture, _ = decide(SLOPES, "margin", SPACE.restrict({"normal": names}))
    # Those without a choice have an infinite margin, those with nothing to choose are left out.
    assert [d.edge for d in decisions] == [0, 1, 3, 4]
    assert [d.operation for d in decisions][:2] == [2, 1]
    np.testing.assert_array_equal(mixture[2], np.full(3, 1 / 3))


def test_the_order_is_checked():
    assert ORDERS == ("random", "margin", "topological")
    with pytest.raises(UserError, match="unknown order 'best'; expected one of random, margin"):
        selections.Progressive(CRITERIA["removal"], order="best")


@pytest.fixture(scope="module")
def supernet(tiny_space):
    keras.utils.set_random_seed(0)
    supernet = Supernet(tiny_space, (6, 6, 1), 3, channels=2, cells=3, batched=False)
    for variable in supernet.architecture_variables:
        variable.assign(tf.random.stateless_normal(variable.shape, [1, 2]))
    return supernet


def batches(epoch=0, examples=24):
    rng = np.random.default_rng(epoch)
    images = rng.normal(size=(examples, 6, 6, 1)).astype("float32")
    labels = rng.integers(0, 3, examples).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(12)


@pytest.fixture(scope="module")
def evaluation(supernet):
    return SupernetEvaluation(supernet, batches())


def test_first_order_strength_is_the_gradient_in_alpha_over_beta(supernet, evaluation):
    """Of every operation on every edge, by automatic differentiation of the real supernet."""
    mixture = {t: v.numpy() for t, v in supernet.operation_weights().items()}
    with tf.GradientTape() as tape, keras.StatelessScope():
        alphas = [v.value for v in supernet.architecture_variables]
        tape.watch(alphas)
        losses = [
            tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(
                    labels, supernet(images, training=True), from_logits=True
                )
            )
            for images, labels in batches()
        ]
        loss = tf.add_n(losses) / 2
    slopes = tape.gradient(loss, alphas)
    np.testing.assert_allclose(evaluation.loss(mixture), loss, rtol=1e-6)
    criterion = CRITERIA["operation_strength_first_order"]
    for cell_type, slope in zip(mixture, slopes, strict=True):
        places = [(cell_type, e) for e in range(len(slope))]
        found = criterion.strengths(evaluation, mixture, places)
        expected = -slope.numpy() / mixture[cell_type]
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_a_constant_added_to_the_logits_of_an_edge_changes_no_decision(supernet):
    select = selections.get("operation_strength_first_order")
    before = select(supernet, batches())
    for variable in supernet.architecture_variables:
        variable.assign_add(np.array([[3.0], [-2.0]], "float32"))
    assert select(supernet, batches()) == before
    for variable in supernet.architecture_variables:
        variable.assign_sub(np.array([[3.0], [-2.0]], "float32"))


def test_the_cell_is_the_one_that_was_decided_and_the_supernet_is_unchanged(supernet):
    state = [v.numpy() for v in supernet.variables]
    select = selections.Progressive(CRITERIA["operation_strength"], "topological", batches=1)
    outcome = select.run(supernet, batches())
    for variable, value in zip(supernet.variables, state, strict=True):
        np.testing.assert_array_equal(variable, value)
    names = supernet.space.operations
    for cell_type in supernet.space.cell_types:
        chosen = [names[d.operation] for d in outcome.decisions if d.cell_type == cell_type]
        assert [edge.operation for edge in outcome.genotype[cell_type].edges] == chosen
    # 4 edges: the mixture and 3 operations, one batch of 12 images each.
    assert (outcome.forward, outcome.backward) == (4 * 4 * 12, 0)


@pytest.mark.slow
def test_fine_tuning_between_decisions(supernet, eagerly, monkeypatch):
    tune = FineTuning(METHODS["darts-v1"], batches, functools.partial(batches, examples=12), 1)
    seen = []

    def watched(copy):
        before = [v.numpy() for v in (*copy.weight_variables, *copy.architecture_variables)]
        decided = [edges.sum() for edges in copy.architecture.decided().values()]
        tune(copy)
        after = [v.numpy() for v in (*copy.weight_variables, *copy.architecture_variables)]
        changed = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
        assert np.mean(changed) > 0.9
        seen.append((sum(decided), copy.operation_weights()["normal"].numpy()))

    state = [v.numpy() for v in supernet.variables]
    select = selections.Progressive(CRITERIA["removal"], "topological", fine_tune=watched)
    outcome = select.run(supernet, batches())
    assert [count for count, _ in seen] == [1, 2, 3]
    # What was decided is exactly that, however the alphas move.
    first = np.eye(3)[outcome.decisions[0].operation]
    assert all(np.array_equal(mixture[0], first) for _, mixture in seen)
    assert tune.steps == 3 * 2
    for variable, value in zip(supernet.variables, state, strict=True):
        np.testing.assert_array_equal(variable, value)
