import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.hessian import HessianProduct, largest_eigenvalue
from darts_tf.supernets.supernet import Supernet


def random_symmetric(size, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    return (matrix + matrix.T) / 2


def counted(matrix):
    calls = []

    def product(vector):
        calls.append(vector)
        return matrix @ vector

    return product, calls


def test_a_known_quadratic():
    """L = 1/2 a'Qa with the eigenvalues 5 and 1; and a function of two variables at a point."""
    matrix = tf.constant([[3.0, 2.0], [2.0, 3.0]])
    hessian = HessianProduct(lambda point: [tf.linalg.matvec(matrix, point[0])], [(2,)])
    np.testing.assert_allclose(largest_eigenvalue(hessian.at([tf.zeros(2)]), 2), 5, rtol=1e-6)

    # L = x^2 y, whose Hessian at (1, 3) is [[6, 2], [2, 0]].
    hessian = HessianProduct(lambda p: [2 * p[0] * p[1], p[0] ** 2], [(), ()])
    product = hessian.at([tf.constant(1.0), tf.constant(3.0)])
    assert hessian.size == 2
    np.testing.assert_allclose(product(np.array([1.0, 1.0])), [8, 2], rtol=1e-6)
    np.testing.assert_allclose(largest_eigenvalue(product, 2), 3 + np.sqrt(13), rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_few_products_agree_with_all_eigenvalues(seed):
    matrix = random_symmetric(224, seed)
    product, calls = counted(matrix)
    expected = np.linalg.eigvalsh(matrix)[-1]
    np.testing.assert_allclose(largest_eigenvalue(product, 224), expected, rtol=1e-3)
    assert len(calls) <= 64


def test_a_small_eigenvalue_above_large_negative_ones():
    """In float32, whose rounding of the others is a share of it."""
    values = np.concatenate([-10 * np.arange(1.0, 9), 1e-3 * np.arange(-107, 109)])
    vectors = np.linalg.qr(random_symmetric(224))[0]
    product, calls = counted((vectors * values @ vectors.T).astype("float32"))
    np.testing.assert_allclose(largest_eigenvalue(product, 224), values[-1], atol=1e-4 * 80)
    assert len(calls) <= 70 + 224


def test_limits():
    def found(matrix):
        product, calls = counted(matrix)
        return largest_eigenvalue(product, len(matrix), exact_up_to=0), calls

    value, calls = found(np.diag([1.0, 4.0, 2.0]))
    np.testing.assert_allclose(value, 4, rtol=1e-9)
    assert len(calls) <= 5
    assert found(np.zeros((5, 5)))[0] == 0
    np.testing.assert_allclose(found(-2 * np.eye(50))[0], -2, rtol=1e-9)
    assert found(np.array([[3.0]]))[0] == 3


def test_small_matrices_are_computed_whole():
    matrix = random_symmetric(8)
    product, calls = counted(matrix)
    expected = np.linalg.eigvalsh(matrix)[-1]
    np.testing.assert_allclose(largest_eigenvalue(product, 8), expected, rtol=1e-9)
    assert len(calls) == 8
    np.testing.assert_allclose(largest_eigenvalue(product, 8, exact_up_to=7), expected, rtol=1e-3)


@pytest.mark.slow
def test_a_supernet(one_stage_space):
    """The eigenvalue of the validation loss is that of the whole Hessian by nested tapes."""
    keras.utils.set_random_seed(0)
    supernet = Supernet(one_stage_space, (6, 6, 1), 2, channels=2, cells=1, batched=False)
    search = ArchitectureSearch(supernet, "darts-v1")
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(8, 6, 6, 1)).astype("float32"), rng.integers(0, 2, 8)
    state = [v.numpy() for v in supernet.variables]
    found = search.eigenvalue((images, labels))
    for variable, value in zip(supernet.variables, state, strict=True):
        np.testing.assert_array_equal(variable, value)

    alphas = [v.value for v in supernet.architecture_variables]
    with tf.GradientTape(persistent=True) as outer, keras.StatelessScope():
        outer.watch(alphas)
        with tf.GradientTape() as inner:
            inner.watch(alphas)
            losses = keras.losses.sparse_categorical_crossentropy(
                labels, supernet(images, training=True), from_logits=True
            )
            loss = tf.reduce_mean(losses)
        slopes = tf.concat([tf.reshape(s, [-1]) for s in inner.gradient(loss, alphas)], 0)
        rows = [slopes[i] for i in range(3)]
    columns = [outer.gradient(row, alphas, unconnected_gradients="zero") for row in rows]
    matrix = np.stack([np.concatenate([part.numpy().ravel() for part in c]) for c in columns])
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-4 * np.abs(matrix).max())
    expected = np.linalg.eigvalsh(matrix)[-1] + search.method.architecture_weight_decay
    assert expected > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    # The same by few products.
    np.testing.assert_allclose(
        search.eigenvalue((images, labels), exact_up_to=0), expected, rtol=1e-3
    )


@pytest.mark.parametrize("size", [20, 100])
def test_products_that_are_not_finite(size):
    assert np.isnan(largest_eigenvalue(lambda vector: vector * np.nan, size))
    # Only some of the later products: those overflow.
    calls = []

    def product(vector):
        calls.append(None)
        return vector if len(calls) < 3 else vector * np.inf

    assert np.isnan(largest_eigenvalue(product, size))
