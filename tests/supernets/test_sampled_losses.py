"""Losses of sampled architectures, and the estimators on a real supernet of 27 architectures."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients, spaces
from darts_tf.runtime import optimizers
from darts_tf.search.player import Player
from darts_tf.supernets.conversion import convert
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.sampled_losses import SampledLosses
from darts_tf.supernets.supernet import Supernet
from tests.gradients.dag import moments
from tests.search.steps import make_step

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1")


def loss(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def make_batch(seed):
    rng = np.random.default_rng(seed)
    images = tf.constant(rng.normal(size=(8, 4, 4, 1)), tf.float32)
    return images, tf.constant(rng.integers(0, 2, 8), tf.int32)


TRAIN, VALIDATION = make_batch(0), make_batch(1)
ALPHA = [[0.2, -0.1, 0.0], [0.5, 0.0, -0.5], [0.0, 0.3, 0.1]]


@pytest.fixture(scope="module")
def supernet():
    """Three cells of one type, with three edges of three operations."""
    base = spaces.get("nas_bench_201")
    fields = ("inputs", "edges_per_node", "cell_types", "selects_none", "output", "preprocess")
    space = spaces.Space(
        "sampled_three_edges",
        OPERATIONS,
        nodes=2,
        macro=base.macro,
        **{name: getattr(base, name) for name in fields},
    )
    name = spaces.register(space).name
    keras.utils.set_random_seed(0)
    supernet = Supernet(name, (4, 4, 1), 2, channels=2, cells=3, relaxation="categorical")
    supernet.architecture_variables[0].assign(ALPHA)
    return supernet


@pytest.fixture(scope="module")
def architectures():
    return tf.constant(np.eye(3)[list(itertools.product(range(3), repeat=3))], tf.float32)


def tensors(variables):
    return [tf.convert_to_tensor(v) for v in variables]


@pytest.fixture(scope="module")
def enumerated(supernet, architectures):
    """The losses of all architectures on the validation batch."""
    losses = SampledLosses(supernet, loss)
    run = tf.function(lambda z: losses.of_draws(tensors(supernet.weight_variables), z, VALIDATION))
    return run(architectures).numpy().astype("float64")


def snapshot(supernet):
    return [v.numpy() for v in supernet.variables]


class TestSampledLosses:
    def test_they_are_those_of_the_network(self, supernet, architectures, enumerated):
        """Of a supernet that computes all operations edge by edge, too."""
        plain = convert(supernet, batched=False)
        assert np.ptp(enumerated) > 0.05
        for k in (0, 5, 13, 26):
            logits = plain(VALIDATION[0], training=True, weights={"normal": architectures[k]})
            expected = tf.reduce_mean(loss(VALIDATION[1], logits))
            assert enumerated[k] == pytest.approx(float(expected), rel=1e-5)

    def test_one_graph_and_nothing_written(self, supernet, architectures):
        losses, before = SampledLosses(supernet, loss), snapshot(supernet)
        weights = tensors(supernet.weight_variables)
        one = [float(losses.of_draws(weights, z[None], VALIDATION)[0]) for z in architectures[:5]]
        np.testing.assert_allclose(losses.of_draws(weights, architectures[:5], VALIDATION), one)
        assert losses._traced.experimental_get_tracing_count() == 1
        for variable, value in zip(supernet.variables, before, strict=True):
            np.testing.assert_array_equal(variable, value)

    def test_penalty_and_parts(self, supernet, architectures, enumerated, eagerly):
        def penalty(weights):
            return 10 * tf.reduce_sum(weights["normal"][:, 2])

        halves = [tuple(x[i : i + 4] for x in VALIDATION) for i in (0, 4)]
        weights = tensors(supernet.weight_variables)
        whole = SampledLosses(supernet, loss, penalty).of_draws(
            weights, architectures[-1:], VALIDATION
        )
        np.testing.assert_allclose(whole, enumerated[-1:] + 30, rtol=1e-5)
        parts = SampledLosses(supernet, loss, micro_batches=2)
        found = parts.of_draws(weights, architectures[-1:], VALIDATION)
        one = SampledLosses(supernet, loss)
        each = [one.of_draws(weights, architectures[-1:], half) for half in halves]
        np.testing.assert_allclose(found, np.mean(each, axis=0), rtol=1e-5)

    def test_mixtures_at_the_corners_are_draws(self, supernet, architectures, enumerated):
        chosen = [3, 17]
        found = SampledLosses(supernet, loss).of_mixtures(
            tensors(supernet.weight_variables), tf.gather(architectures, chosen), VALIDATION
        )
        np.testing.assert_allclose(found, enumerated[chosen], rtol=1e-4)


@pytest.fixture(scope="module")
def exact(architectures, enumerated):
    """The gradient of the expected loss, by enumeration; and the probabilities of the draws."""
    p = np.exp(ALPHA) / np.exp(ALPHA).sum(1, keepdims=True)
    z = architectures.numpy()
    chances = np.prod((z * p).sum(-1), -1)
    score = enumerated[:, None, None] * (z - p)
    return moments(score, chances)


@pytest.fixture(scope="module")
def problem(supernet):
    return SupernetProblem(supernet, loss)


@pytest.fixture(scope="module")
def table(enumerated):
    """The network's losses by number of the architecture, as a function of draws."""
    known = tf.constant(enumerated, tf.float32)
    places = tf.constant([9, 3, 1], tf.int32)
    return gradients.CategoricalLoss(
        lambda z: tf.gather(known, tf.linalg.matvec(tf.argmax(z, -1, tf.int32), places))
    )


def through_the_network(estimator, problem, seed):
    supernet = problem.supernet
    point = {
        "architecture": tensors(supernet.architecture_variables),
        "weights": tensors(supernet.weight_variables),
    }
    batches = {"architecture": VALIDATION, "weights": TRAIN}
    return estimator(problem.levels(seed), point, batches).architecture[0]


ESTIMATORS = [
    ("score_function", {"baseline_decay": None}),
    ("score_function", {}),
    ("relax", {"hidden": 4, "learning_rate": 0.01}),
    ("ram", {}),
    ("ram", {"edges": 1, "fresh": True}),
]


@pytest.mark.parametrize("name, options", ESTIMATORS)
def test_estimators_against_enumeration(name, options, supernet, problem, table, exact):
    """Through the network with its weights frozen, and by the many from its enumerated losses."""
    few, same = (gradients.get(name, samples=2, **options) for _ in range(2))
    for estimator in (few, same):
        estimator.build((3, 3))
    before = snapshot(supernet)
    for step in range(2):
        seed = tf.constant([step, 5])
        expected = same.estimate(table, tf.constant(ALPHA), seed).gradient
        found = through_the_network(few, problem, seed)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    for variable, value in zip(supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)

    same.samples = 50_000
    drawn = same.sample(table, tf.constant(ALPHA), tf.constant([9, 9])).gradients
    drawn = drawn.numpy().astype("float64")
    errors = np.sqrt(drawn.var(0, ddof=1) / len(drawn))
    assert (np.abs(drawn.mean(0) - exact[0]) < 4 * errors).all()
    if options == {"baseline_decay": None}:
        assert drawn.var(0).sum() == pytest.approx(exact[1], rel=0.02)


def test_rebar_differentiates_a_mixture_of_all_operations(supernet, problem, exact):
    """With eta = 0 it is the score function of its draws; the mixture's slope is the real one."""
    estimator = gradients.get("rebar", learning_rate=0.0)
    estimator.build((3, 3))
    seed = tf.constant([1, 5])
    with_control = through_the_network(estimator, problem, seed)
    assert estimator.report()["loss_evaluations"] == 3
    estimator._eta.assign(0.0)
    without = through_the_network(estimator, problem, seed).numpy()
    assert np.abs(with_control - without).max() > 1e-3
    # Every row is the loss times (Z_e - p_e): all have the loss as their largest difference.
    p = np.exp(ALPHA) / np.exp(ALPHA).sum(1, keepdims=True)
    losses = (without + 0).max(1) / (1 - p[np.arange(3), without.argmax(1)])
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4)

    point = {"weights": tensors(supernet.weight_variables)}
    p = tf.nn.softmax(tf.constant(ALPHA))[None]
    losses = problem.levels(seed).categorical.relaxed_losses
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = losses(point, p, VALIDATION)
    slope = tape.gradient(value, p)[0, 1].numpy()
    for k, step in enumerate(2e-4 * np.eye(3, dtype="float32")):
        change = np.zeros((1, 3, 3), "float32")
        change[0, 1] = step
        up, down = (float(losses(point, p + s * change, VALIDATION)[0]) for s in (1, -1))
        assert (up - down) / 4e-4 == pytest.approx(slope[k], rel=0.05, abs=2e-3)


class TestWeightStep:
    def steps(self, supernet, count, **options):
        """The variables before each step and after the last, and the draws of the weight steps."""
        keras.utils.set_random_seed(1)
        weight, architecture = optimizers.SGD(0.1, 0.9, l2=0.1), optimizers.Adam(0.01)
        estimator = gradients.get("score_function")
        estimator.build((3, 3))
        problem = SupernetProblem(supernet, loss)
        step = make_step(problem, estimator, weight, architecture, clip_norm=5.0, **options)
        owners = supernet.weight_variables, weight.momentums, problem.statistics
        seen, draws = [], []
        for _ in range(count):
            seen.append([[v.numpy() for v in variables] for variables in owners])
            seed = step._seeds()["weights"]
            step({"architecture": VALIDATION, "weights": TRAIN})
            draws.append(supernet.architecture.drawn_weights(seed)["normal"].numpy().argmax(-1))
        seen.append([[v.numpy() for v in variables] for variables in owners])
        return seen, draws

    def test_only_drawn_operations_move(self, supernet, eagerly):
        """Weights, momentum and moving statistics of the others stay as they are, bit for bit."""
        start = snapshot(supernet)
        seen, draws = self.steps(supernet, 3)
        places = {id(v): i for i, v in enumerate(supernet.weight_variables)}
        moved = {True: 0, False: 0}
        for (before, after), drawn in zip(itertools.pairwise(seen), draws, strict=True):
            for cell in supernet.cells:
                for variable, _ in cell.chosen_weights(tf.one_hot(drawn, 3)):
                    (edges,) = [
                        edges
                        for _, edges, operation in cell._sources()
                        if any(v is variable for v in operation.weights)
                    ]
                    for owner in (0, 1):
                        old, new = (x[owner][places[id(variable)]] for x in (before, after))
                        parts = zip(
                            np.split(old, len(edges), -1),
                            np.split(new, len(edges), -1),
                            strict=True,
                        )
                        for e, (was, now) in zip(edges, parts, strict=True):
                            took_part = drawn[e] == OPERATIONS.index("nor_conv_1x1")
                            assert np.any(was != now) == took_part
                            moved[took_part] += 1
        assert min(moved.values()) > 3
        # The stem is part of every architecture.
        assert all(np.any(seen[0][0][0] != x[0][0]) for x in seen[1:])
        for variable, value in zip(supernet.variables, start, strict=True):
            variable.assign(value)

    def test_entropy_weight(self, supernet):
        problem = SupernetProblem(supernet, loss)
        p = np.exp(ALPHA) / np.exp(ALPHA).sum(1, keepdims=True)
        entropies = -(p * np.log(p)).sum(1)
        assert float(supernet.architecture.entropies()[0]) == pytest.approx(3.201463, abs=1e-6)
        player = Player(
            "architecture",
            supernet.architecture_variables,
            optimizers.SGD(0.1),
            "validation",
            added=lambda alphas: 0.5 * problem.entropy(alphas),
        )
        (found,) = player.gradient_of_added(player.values())
        expected = -0.5 * p * (np.log(p) + entropies[:, None])
        np.testing.assert_allclose(found, expected, atol=1e-6)
