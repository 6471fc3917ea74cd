import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients, spaces
from darts_tf.gradients import InnerStep
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.runtime import optimizers
from darts_tf.search.player import Player
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet
from tests.search.steps import make_step

CLIP_NORM = 0.5


def cross_entropy(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def batch(seed, dtype="float32", size=8):
    rng = np.random.default_rng(seed)
    images = tf.constant(rng.normal(size=(size, 6, 6, 1)), dtype)
    return images, tf.constant(rng.integers(0, 3, size), tf.int32)


TRAIN, VALIDATION = batch(1), batch(2)


def make(space, kind=Supernet, **kwargs):
    keras.utils.set_random_seed(0)
    supernet = kind(space, (6, 6, 1), 3, channels=2, cells=3, **kwargs)
    rng = np.random.default_rng(4)
    for alpha in supernet.architecture_variables:
        alpha.assign(rng.normal(size=alpha.shape))
    return supernet


def make_problem(supernet):
    # Tracing takes longer than all the rest; `ArchitectureSearch` is tested with it.
    return SupernetProblem(supernet, cross_entropy, traced=False)


@pytest.fixture(scope="module")
def problem(small_space):
    return make_problem(make(small_space))


@pytest.fixture
def supernet(problem):
    """The supernet of `problem`, put back as it was after the test."""
    before = values(problem.supernet.variables)
    yield problem.supernet
    for variable, value in zip(problem.supernet.variables, before, strict=True):
        variable.assign(value)


def values(variables):
    return [variable.numpy() for variable in variables]


def tensors(variables):
    return [tf.convert_to_tensor(variable) for variable in variables]


def assert_same(left, right):
    for x, y in zip(left, right, strict=True):
        np.testing.assert_array_equal(x, y)


def estimate(name, problem, train, validation, step, **kwargs):
    return gradients.get(name)(
        problem.levels().with_steps(weights=step),
        point(problem.supernet),
        {"architecture": validation, "weights": train},
        **kwargs,
    )


def point(supernet):
    return at(tensors(supernet.weight_variables), tensors(supernet.architecture_variables))


def at(weights, alphas):
    return {"architecture": alphas, "weights": weights}


BATCHES = {"architecture": VALIDATION, "weights": TRAIN}


def list_of(seeds):
    return {name: seed.numpy().tolist() for name, seed in seeds.items()}


def flat(arrays):
    return np.concatenate([np.ravel(x) for x in arrays]).astype("float64")


class TestSupernetProblem:
    def test_statistics_are_all_but_weights_and_alphas(self, problem):
        supernet = problem.supernet
        parts = [supernet.weight_variables, supernet.architecture_variables, problem.statistics]
        assert sum(len(part) for part in parts) == len(supernet.variables)
        assert len({id(v) for part in parts for v in part}) == len(supernet.variables)

    def test_forward_is_the_supernet_in_training(self, problem, supernet):
        forward = problem.forward(point(supernet), TRAIN)
        logits = supernet(TRAIN[0], training=True)
        np.testing.assert_allclose(forward.outputs, logits, rtol=1e-4, atol=1e-5)
        probabilities = tf.nn.softmax(logits).numpy()[np.arange(8), TRAIN[1].numpy()]
        np.testing.assert_allclose(forward.loss, -np.log(probabilities).mean(), rtol=1e-4)
        # What the ordinary call has written is what the functional one returned.
        for got, variable in zip(forward.statistics, problem.statistics, strict=True):
            np.testing.assert_allclose(got, variable, rtol=1e-4, atol=1e-5)

    def test_weights_and_alphas_are_arguments(self, problem, supernet):
        weights = [2 * w for w in tensors(supernet.weight_variables)]
        alphas = [-a for a in tensors(supernet.architecture_variables)]
        got = problem.forward(at(weights, alphas), TRAIN).outputs
        for variables, given in (
            (supernet.weight_variables, weights),
            (supernet.architecture_variables, alphas),
        ):
            for variable, value in zip(variables, given, strict=True):
                variable.assign(value)
        np.testing.assert_allclose(got, supernet(TRAIN[0], training=True), rtol=1e-3, atol=1e-4)

    def test_loss_of_a_replica_is_its_share(self, problem, supernet):
        shared = SupernetProblem(supernet, cross_entropy, replicas=2)  # Never traced by itself.
        args = point(supernet), TRAIN
        np.testing.assert_allclose(
            2 * shared.forward(*args).loss, problem.forward(*args).loss, rtol=1e-5
        )


@pytest.mark.parametrize("name", ["one_level", "first_order", "unrolled", "finite_difference"])
def test_an_architecture_step_writes_nothing(name, problem):
    supernet = problem.supernet
    before = values(supernet.variables)
    estimated = estimate(name, problem, TRAIN, VALIDATION, InnerStep(0.1, weight_decay=3e-4))
    assert_same(values(supernet.variables), before)
    assert all(np.abs(g).max() > 0 for g in estimated.architecture)


class TestSearchStep:
    def run(self, problem, name="first_order", weight_rate=0.1, architecture_rate=0.01, steps=1):
        weight = optimizers.SGD(weight_rate, 0.9, l2=0.02)
        architecture = optimizers.Adam(
            architecture_rate, beta_1=0.5, beta_2=0.999, epsilon=1e-8, l2=0.03
        )
        step = make_step(problem, gradients.get(name), weight, architecture)
        return [step(BATCHES) for _ in range(steps)]

    def test_arithmetic(self, problem, supernet):
        """Two steps against numpy: clipping, then L2, then momentum; Adam with L2."""
        weights, alphas = (
            [x.astype("float64") for x in values(variables)]
            for variables in (supernet.weight_variables, supernet.architecture_variables)
        )
        velocity = [np.zeros_like(w) for w in weights]
        first, second = ([np.zeros_like(a) for a in alphas] for _ in range(2))
        before = values(supernet.variables)
        results = self.run(problem, steps=2)
        got = values(supernet.weight_variables), values(supernet.architecture_variables)
        statistics = values(problem.statistics)
        for variable, value in zip(supernet.variables, before, strict=True):
            variable.assign(value)

        for t, result in enumerate(results, start=1):
            loss, g, _ = self.derivatives(problem, weights, alphas, VALIDATION, "a")
            np.testing.assert_allclose(result["losses"]["architecture"], loss, rtol=1e-4)
            for k, a in enumerate(alphas):
                total = g[k] + 0.03 * a
                first[k] = 0.5 * first[k] + 0.5 * total
                second[k] = 0.999 * second[k] + 0.001 * total**2
                moments = first[k] / (1 - 0.5**t), second[k] / (1 - 0.999**t)
                alphas[k] = a - 0.01 * moments[0] / (np.sqrt(moments[1]) + 1e-8)
            loss, g, new_statistics = self.derivatives(problem, weights, alphas, TRAIN, "w")
            np.testing.assert_allclose(result["losses"]["weights"], loss, rtol=1e-4)
            norm = np.sqrt(sum(np.sum(x**2) for x in g))
            assert norm > CLIP_NORM
            for k, w in enumerate(weights):
                velocity[k] = 0.9 * velocity[k] - 0.1 * (g[k] * CLIP_NORM / norm + 0.02 * w)
                weights[k] = w + velocity[k]
            for variable, value in zip(problem.statistics, new_statistics, strict=True):
                variable.assign(value)
        for mine, its in zip(got[0], weights, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-5)
        for mine, its in zip(got[1], alphas, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)
        # The statistics are those of the two weight steps, and of nothing else.
        for mine, its in zip(statistics, values(problem.statistics), strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-4)

    def derivatives(self, problem, weights, alphas, data, wrt):
        weights, alphas = (
            [tf.constant(x, tf.float32) for x in arrays] for arrays in (weights, alphas)
        )
        with tf.GradientTape() as tape:
            tape.watch([weights, alphas])
            forward = problem.forward(at(weights, alphas), data)
        g = tape.gradient(forward.loss, weights if wrt == "w" else alphas)
        return forward.loss, [x.numpy().astype("float64") for x in g], forward.statistics

    @pytest.mark.parametrize("name", ["first_order", "one_level"])
    def test_alphas_move_by_the_architecture_optimizer_only(self, name, problem, supernet):
        alphas = values(supernet.architecture_variables)
        weights = values(supernet.weight_variables)
        self.run(problem, name, architecture_rate=0.0)
        assert_same(values(supernet.architecture_variables), alphas)
        assert not np.array_equal(supernet.weight_variables[0], weights[0])

    @pytest.mark.parametrize("name", ["first_order", "one_level"])
    def test_weights_move_by_the_weight_optimizer_only(self, name, problem, supernet):
        alphas = values(supernet.architecture_variables)
        weights = values(supernet.weight_variables)
        self.run(problem, name, weight_rate=0.0)
        assert_same(values(supernet.weight_variables), weights)
        for alpha, before in zip(supernet.architecture_variables, alphas, strict=True):
            assert not np.array_equal(alpha, before)

    def test_one_level_moves_the_weights_by_both_batches(self, problem, supernet):
        before = values(supernet.weight_variables)
        alphas = values(supernet.architecture_variables)
        means = [
            (x + y) / 2
            for x, y in zip(
                *(
                    self.derivatives(problem, before, alphas, data, "w")[1]
                    for data in (TRAIN, VALIDATION)
                ),
                strict=True,
            )
        ]
        norm = np.sqrt(sum(np.sum(x**2) for x in means))
        (result,) = self.run(problem, "one_level")
        for variable, w, g in zip(supernet.weight_variables, before, means, strict=True):
            expected = w - 0.1 * (g * min(1, CLIP_NORM / norm) + 0.02 * w)
            np.testing.assert_allclose(variable, expected, rtol=1e-3, atol=1e-5)
        both = [
            self.derivatives(problem, before, alphas, data, "w")[0] for data in (TRAIN, VALIDATION)
        ]
        np.testing.assert_allclose(result["losses"]["architecture"], np.mean(both), rtol=1e-3)

    def test_finite_tells_of_a_gradient_that_is_not(self, problem, supernet):
        (good,) = self.run(problem)
        assert np.isfinite(good["finite"])
        images, labels = TRAIN
        not_finite = images * np.nan, labels
        for bad in ("weights", "architecture"):
            before = values(supernet.variables)
            step = make_step(
                problem, gradients.first_order, optimizers.SGD(0.1), optimizers.Adam(0.1)
            )
            assert not np.isfinite(step({**BATCHES, bad: not_finite})["finite"])
            for variable, value in zip(supernet.variables, before, strict=True):
                variable.assign(value)


@pytest.fixture(scope="module")
def random_problem(tiny_space):
    return make_problem(make(tiny_space, relaxation="gumbel_softmax", seed=3))


class TestRandomRelaxation:
    @pytest.fixture
    def problem(self, random_problem):
        return random_problem

    def loss(self, problem, levels, data=TRAIN):
        return levels.inner[0].loss(point(problem.supernet), data).numpy()

    def test_all_passes_of_a_hypergradient_see_one_draw(self, problem):
        one, other = (problem.levels(tf.constant([3, part])) for part in (4, 5))
        assert self.loss(problem, one) == self.loss(problem, one)
        assert abs(self.loss(problem, one) - self.loss(problem, other)) > 1e-5

    def test_the_draw_changes_with_the_step_and_its_part(self, problem):
        optimizer = optimizers.SGD(0.1)
        step = make_step(problem, None, optimizer, optimizers.SGD(0.1))
        assert list_of(step._seeds()) == {"architecture": [3, 0], "weights": [3, 1]}
        optimizer.iterations.assign(7)
        assert list_of(step._seeds()) == {"architecture": [3, 14], "weights": [3, 15]}

    def test_a_penalty_is_that_of_the_draw(self, problem):
        """As SNAS has it: the cost of the sampled weights, whose gradient reaches the alphas."""
        supernet, seed = problem.supernet, tf.constant([3, 4])
        costs = {
            name: np.arange(w.shape[0] * w.shape[1]).reshape(w.shape)
            for name, w in supernet.operation_weights().items()
        }

        def penalty(weights):
            return tf.add_n([tf.reduce_sum(weights[name] * costs[name]) for name in costs])

        costly = SupernetProblem(supernet, cross_entropy, penalty=penalty, traced=False)
        here = point(supernet)
        alphas = here["architecture"]
        expected = penalty(supernet.architecture.drawn_weights(seed))
        assert abs(expected - penalty(supernet.architecture.drawn_weights())) > 0.01
        gradients = []
        for one in (problem, costly):
            with tf.GradientTape() as tape:
                tape.watch(alphas)
                loss = one.loss(here, TRAIN, seed)
            gradients.append((loss, tape.gradient(loss, alphas)))
        (plain, by_plain), (with_cost, by_both) = gradients
        np.testing.assert_allclose(with_cost - plain, expected, rtol=1e-4)
        with tf.GradientTape() as tape:
            tape.watch([v.value for v in supernet.architecture_variables])
            cost = penalty(supernet.architecture.drawn_weights(seed))
        by_cost = tape.gradient(cost, [v.value for v in supernet.architecture_variables])
        for both, alone, more in zip(by_both, by_plain, by_cost, strict=True):
            np.testing.assert_allclose(both - alone, more, atol=1e-4)

    def test_cell_types_have_draws_of_their_own(self, problem):
        alphas = problem.supernet.architecture.parameters
        alphas["reduce"]["alpha"].assign(alphas["normal"]["alpha"])
        weights = problem.supernet.architecture.cell_weights(tf.constant([3, 0]))
        assert np.abs(weights["normal"] - weights["reduce"]).max() > 0.05

    def test_the_weights_descend_the_loss_of_their_draw(self, problem, supernet):
        """With one-level training it is the draw of the architecture, else a fresh one."""
        for gradient, part in ((gradients.one_level_train, 0), (gradients.first_order, 1)):
            before = values(supernet.variables)
            step = make_step(
                problem, gradient, optimizers.SGD(0.1), optimizers.Adam(1e-9), clip_norm=1e9
            )
            expected = self.loss(problem, problem.levels(tf.constant([3, part])))
            np.testing.assert_allclose(step(BATCHES)["losses"]["weights"], expected, rtol=1e-5)
            for variable, value in zip(supernet.variables, before, strict=True):
                variable.assign(value)


@pytest.fixture(scope="module")
def plain_problem(tiny_space):
    return make_problem(make(tiny_space))


class TestSearchStepOptions:
    @pytest.fixture
    def problem(self, plain_problem):
        return plain_problem

    def run(self, problem, gradient=gradients.first_order, frozen=False, **options):
        step = make_step(problem, gradient, optimizers.SGD(0.1), optimizers.SGD(1.0), **options)
        return step(BATCHES, frozen)

    @pytest.mark.parametrize("weights_first", [False, True])
    def test_order_of_the_two_steps(self, problem, supernet, weights_first):
        seen = []

        def gradient(problem, point, batches):
            seen.append([np.array(w) for w in point["weights"]])
            ones = [tf.ones_like(a) for a in point["architecture"]]
            return gradients.Hypergradient(ones, tf.zeros(()))

        before, alphas = values(supernet.weight_variables), values(supernet.architecture_variables)
        result = self.run(problem, gradient, weights_first=weights_first)
        after = values(supernet.weight_variables)
        assert_same(seen[0], after if weights_first else before)
        for alpha, old in zip(supernet.architecture_variables, alphas, strict=True):
            np.testing.assert_allclose(alpha, old - 1, rtol=1e-6)
        # The weights were stepped with the alphas that they found.
        shift = 0 if weights_first else 1
        loss = problem.loss(
            at([tf.constant(w) for w in before], [tf.constant(a - shift) for a in alphas]), TRAIN
        )
        np.testing.assert_allclose(result["losses"]["weights"], loss, rtol=1e-5)

    def test_frozen_alphas(self, problem, supernet):
        alphas = values(supernet.architecture_variables)
        expected = problem.loss(point(supernet), TRAIN)
        weights = values(supernet.weight_variables)
        result = self.run(problem, frozen=True)
        assert_same(values(supernet.architecture_variables), alphas)
        np.testing.assert_allclose(result["losses"]["weights"], expected, rtol=1e-5)
        assert result["losses"]["architecture"] == 0 and np.isfinite(result["finite"])
        assert not np.array_equal(supernet.weight_variables[0], weights[0])

    def test_architecture_clip_norm(self, problem, supernet):
        before = values(supernet.architecture_variables)
        self.run(problem)
        free = flat(values(supernet.architecture_variables)) - flat(before)
        for variable, value in zip(supernet.architecture_variables, before, strict=True):
            variable.assign(value)
        self.run(problem, architecture_clip_norm=np.linalg.norm(free) / 4)
        # The weights have moved in between, and the alphas' gradient with them.
        clipped = flat(values(supernet.architecture_variables)) - flat(before)
        np.testing.assert_allclose(np.linalg.norm(clipped), np.linalg.norm(free) / 4, rtol=1e-4)

    def test_the_penalty_reaches_the_alphas_and_not_the_reported_loss(self, tiny_space):
        problem = make_problem(make(tiny_space, relaxation="sigmoid"))
        supernet = problem.supernet
        here = point(supernet)
        penalty = supernet.architecture.penalty().numpy()
        assert penalty < -0.01
        forward = problem.forward(here, TRAIN)
        np.testing.assert_allclose(problem.loss(here, TRAIN), forward.loss + penalty, rtol=1e-5)
        result = self.run(problem)
        # The weights are stepped after the alphas, whose penalty is no part of what is reported.
        stepped = tensors(supernet.architecture_variables)
        after = problem.forward(at(here["weights"], stepped), TRAIN).loss
        np.testing.assert_allclose(result["losses"]["weights"], after, rtol=1e-5)
        assert abs(after - forward.loss) > 1e-6
        validation = problem.forward(here, VALIDATION).loss
        np.testing.assert_allclose(
            result["losses"]["architecture"], validation + penalty, rtol=1e-4
        )
        shared = SupernetProblem(supernet, cross_entropy, replicas=2)
        np.testing.assert_allclose(shared.forward(here, TRAIN).penalty, penalty / 2, rtol=1e-6)


def test_inner_step_is_the_optimizers_next_step(problem, supernet):
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    optimizer = optimizers.SGD(schedule, 0.9, l2=0.02)
    optimizer.build(supernet.weight_variables)
    player = Player("weights", supernet.weight_variables, optimizer, "train")
    rng = np.random.default_rng(0)
    for _ in range(3):
        g = [tf.constant(rng.normal(size=w.shape), tf.float32) for w in supernet.weight_variables]
        expected = player.inner_step()(tensors(supernet.weight_variables), g)
        optimizer.apply(g, supernet.weight_variables)
        for variable, value in zip(supernet.weight_variables, expected, strict=True):
            np.testing.assert_allclose(variable, value, rtol=1e-5, atol=1e-6)


class TestAccumulation:
    @pytest.fixture
    def pair(self, monkeypatch, tiny_space):
        """Two equal problems without batch normalisation; the second in four parts."""
        monkeypatch.setattr(BatchNormalization, "_can_fuse", lambda self, inputs: False)
        monkeypatch.setattr(
            BatchNormalization, "call", lambda self, inputs, training=None, mask=None: inputs
        )
        problems = []
        for parts in (1, 4):
            supernet = make(tiny_space)
            problems.append(SupernetProblem(supernet, cross_entropy, parts=parts, traced=False))
        assert_same(*(values(problem.supernet.weight_variables) for problem in problems))
        return problems

    def test_both_gradients_are_those_of_the_large_batch(self, pair):
        hypergradients, weights, logits = [], [], []
        for problem in pair:
            arguments = point(problem.supernet), TRAIN
            found = estimate("first_order", problem, TRAIN, VALIDATION, InnerStep(0.1))
            hypergradients.append(flat(found.architecture))
            forward, gradients_of_weights = problem.forward_and_gradients(*arguments)
            weights.append(flat(gradients_of_weights))
            logits.append(flat([forward.outputs]))
        for whole, parts in (hypergradients, weights, logits):
            scale = np.abs(whole).max()
            assert scale > 0
            np.testing.assert_allclose(parts / scale, whole / scale, atol=1e-5)

    def test_a_step(self, pair):
        results = []
        for problem in pair:
            (result,) = TestSearchStep().run(problem)
            results.append((result, values(problem.supernet.weight_variables)))
        (whole, its_weights), (parts, weights) = results
        np.testing.assert_allclose(parts["finite"], whole["finite"], rtol=1e-4)
        for name, loss in whole["losses"].items():
            np.testing.assert_allclose(parts["losses"][name], loss, rtol=1e-4)
        for mine, its in zip(weights, its_weights, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


def test_moving_statistics_of_parts_are_their_mean(tiny_space):
    problem = SupernetProblem(make(tiny_space), cross_entropy, parts=2, traced=False)
    here = point(problem.supernet)
    forward, _ = problem.forward_and_gradients(here, TRAIN, differentiate=False)
    halves = [
        problem.forward(here, tuple(x[part] for x in TRAIN)).statistics
        for part in (slice(0, 4), slice(4, 8))
    ]
    for got, first, second in zip(forward.statistics, *halves, strict=True):
        np.testing.assert_allclose(got, (first + second) / 2, rtol=1e-4, atol=1e-5)


class TestRandomNumbersOfParts:
    """A batch of two equal halves, computed in two parts: random numbers tell them apart."""

    BATCH = tuple(tf.concat([x[:4], x[:4]], 0) for x in TRAIN)
    SEED = tf.constant([1, 2])

    def halves(self, supernet):
        """The logits of both halves, which must not depend on how often they are computed."""
        problem = SupernetProblem(supernet, cross_entropy, parts=2, traced=False)
        here = point(supernet)
        forward, again = (
            problem.forward_and_gradients(here, self.BATCH, self.SEED, differentiate=False)[0]
            for _ in range(2)
        )
        assert_same([forward.outputs], [again.outputs])
        # The parts of the hypergradient have the same losses, so the same numbers.
        losses = [
            problem.levels(self.SEED).outer.loss.of_part(tf.constant(i))(
                here, tuple(x[:4] for x in TRAIN)
            )
            for i in range(2)
        ]
        np.testing.assert_allclose(np.mean(losses), forward.loss, rtol=1e-5)
        for variable, value in zip(problem.statistics, forward.statistics, strict=True):
            variable.assign(value)
        return np.split(forward.outputs.numpy(), 2)

    def test_dropout_and_the_draw_of_the_relaxation(self):
        """There is one draw of the architecture, and without dropout nothing else is random."""
        space = spaces.register(spaces.Space("skips", ("none", "skip_connect"), nodes=1)).name
        supernet = make(space, skip_dropout=True, relaxation="gumbel_softmax")
        assert_same(*self.halves(supernet))
        supernet.architecture.skip_dropout.assign(0.5)
        first, second = self.halves(supernet)
        assert np.abs(first - second).max() > 0.01

    def test_noise(self):
        space = spaces.register(spaces.Space("noisy", ("none", "noise"), nodes=1)).name
        supernet = make(space)
        first, second = self.halves(supernet)
        assert np.abs(first - second).max() > 0.01
        # Every generator counts as many draws as there are parts.
        states = [v for v in supernet.variables if tf.as_dtype(v.dtype).is_integer]
        assert states and {int(state[1]) for state in states} == {2}
