import numpy as np
import pytest
import tensorflow as tf

from darts_tf.supernets.growth.splitting import Splitting, matrices, steepest

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 4))
THETA = RANDOM.normal(size=(4, 3))
OUT = RANDOM.normal(size=3)
Y = np.tanh(X @ RANDOM.normal(size=(4, 3))) @ RANDOM.normal(size=3)


def loss(offset):
    """Half the mean square error of sum_i c_i (f(theta_i + d_i) + f(theta_i - d_i)) / 2, f tanh."""
    halves = [tf.tanh(X @ (THETA + sign * offset)) for sign in (1.0, -1.0)]
    outputs = tf.linalg.matvec((halves[0] + halves[1]) / 2, OUT)
    return tf.reduce_mean(tf.square(outputs - Y)) / 2


FOUND = matrices(loss, 4, 3, "float64")


def test_the_matrix_is_its_definition():
    """E[(f - y) c_i tanh''(x theta_i) x x']."""
    values = np.tanh(X @ THETA)
    error = values @ OUT - Y
    second = -2 * values * (1 - values**2)
    expected = np.einsum("n,i,ni,nk,nl->ikl", error, OUT, second, X, X) / len(X)
    np.testing.assert_allclose(FOUND, expected, atol=1e-12)


def test_the_gain_is_half_the_eigenvalue_times_the_square():
    best = steepest(FOUND)
    assert best.eigenvalues.min() < 0
    unit = int(best.eigenvalues.argmin())
    predicted = best.eigenvalues[unit] / 2
    before, errors = float(loss(np.zeros((4, 3)))), []
    for eps in (0.3, 0.1, 0.03, 0.01):
        offset = np.zeros((4, 3))
        offset[:, unit] = eps * best.directions[:, unit]
        assert float(loss(offset)) == pytest.approx(float(loss(-offset)), abs=1e-15)
        errors.append((float(loss(offset)) - before) / eps**2 - predicted)
    # The next term is of fourth order.
    np.testing.assert_allclose(np.array(errors[:-1]) / errors[1:], [9, 100 / 9, 9], rtol=0.2)
    assert abs(errors[-1]) < 1e-3 * abs(predicted)


def test_all_units_add_up():
    best = steepest(FOUND)
    change = float(loss(best.offsets(1e-2))) - float(loss(np.zeros((4, 3))))
    negative = best.eigenvalues[best.eigenvalues < 0].sum()
    assert change == pytest.approx(negative * 1e-4 / 2, rel=1e-2)


def test_operations_are_ranked_by_number_then_by_sum():
    def of(*values):
        return Splitting(np.array(values), np.zeros((1, len(values)))).gain

    assert of(-1, -1, 5) > of(-9, 0, 0)
    assert of(-1, -3, 0) > of(-1, -2, 0)
    # As the words of the paper have it, positive ones count in the sum.
    assert of(-1, 0, 0) > of(-1, 1, 0)
