import keras
import numpy as np
import tensorflow as tf

from darts_tf import methods
from darts_tf.relaxations.ascent import worst_mixture
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet
from darts_tf.supernets.weight_passes import WeightPasses

SEED = tf.constant([3, 4])
START = tf.constant([[0.6, 0.4], [0.3, 0.7]])
SLOPES = np.array([[1.0, -1.0], [-2.0, 0.5]])
RADIUS = 0.05


def find(loss, start=START, radius=RADIUS):
    masks = {"normal": np.ones((2, 2), bool)}
    return worst_mixture(loss, {"normal": start}, tf.constant(radius), masks, SEED)[
        "normal"
    ].numpy()


def test_a_linear_loss_takes_the_corner_of_the_box():
    found = find(lambda rows: tf.reduce_sum(rows["normal"] * SLOPES))
    # On the simplex, so that the last projection divides by 1.
    np.testing.assert_allclose(found, START + RADIUS * np.array([[1, -1], [-1, 1]]), atol=1e-6)


def test_a_loss_that_cannot_rise_leaves_the_rows():
    found = find(lambda rows: -tf.reduce_sum((rows["normal"] - START) ** 2))
    np.testing.assert_array_equal(found, START)


def test_rows_stay_on_the_simplex():
    found = find(lambda rows: tf.reduce_sum(rows["normal"] * SLOPES), radius=0.9)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found, [[1, 0], [0, 1]], atol=1e-6)


def test_a_supernet_is_worse_off_and_unchanged(tiny_space):
    """The weights that the adversary finds; the alphas are bit for bit what they were."""
    keras.utils.set_random_seed(0)
    supernet = Supernet(tiny_space, (6, 6, 1), 2, 2, 3, relaxation="adversarial", batched=False)
    supernet.architecture.temperature.assign(0.2)
    rng = np.random.default_rng(0)
    batch = (
        tf.constant(rng.normal(size=(8, 6, 6, 1)), tf.float32),
        tf.constant(rng.integers(0, 2, 8)),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    problem = SupernetProblem(supernet, loss)
    before = [v.numpy() for v in supernet.variables]
    weights, alphas = (
        [tf.convert_to_tensor(v) for v in variables]
        for variables in (supernet.weight_variables, supernet.architecture_variables)
    )
    rows = WeightPasses(problem).worst_mixture(
        {"weights": weights, "architecture": alphas}, batch, SEED
    )
    for variable, value in zip(supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    start = supernet.operation_weights()
    losses = [loss(batch[1], supernet(batch[0], weights=w)).numpy().mean() for w in (start, rows)]
    assert losses[1] > losses[0]
    for name in rows:
        assert np.abs(rows[name] - start[name]).max() > 0.05
        np.testing.assert_allclose(rows[name].numpy().sum(axis=1), 1, rtol=1e-5)


def test_the_rows_of_the_methods():
    for name in ("sdarts-rs", "sdarts-adv"):
        radius = methods.get(name).temperature
        np.testing.assert_allclose([radius(e, 10) for e in (0, 5)], [0.03, 0.165])
