"""Quadruple relative similarities against numbers worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.levels import relations

RNG = np.random.default_rng(0)
FEATURES = tf.constant(RNG.normal(size=(6, 5)))
OTHERS = tf.constant(RNG.normal(size=(6, 3)))
QUADRUPLES = np.array([[0, 1, 2, 3], [4, 2, 5, 0], [3, 5, 1, 4]])


def loss(indices, kind="cosine", hard=False):
    main, auxiliary = (relations.margins(x, tf.constant(indices), kind) for x in (FEATURES, OTHERS))
    return tf.reduce_mean(relations.relation_losses(main, auxiliary, 0.5, hard)).numpy()


def test_by_hand():
    """Main similarities .8 and .3, the auxiliary's .4 and .6; a second quadruple of -.3 and .1."""
    main, auxiliary = (tf.constant(x, tf.float64) for x in ([0.5, -0.3], [-0.2, 0.1]))
    with tf.GradientTape() as tape:
        tape.watch([main, auxiliary])
        losses = relations.relation_losses(main, auxiliary)
    np.testing.assert_allclose(losses[0], 0.7226307, atol=5e-8)
    np.testing.assert_allclose(tf.reduce_mean(losses), 0.7122359, atol=5e-8)
    of_main, of_auxiliary = tape.gradient(losses, [main, auxiliary])
    np.testing.assert_allclose(of_auxiliary[0], -0.1722933, atol=5e-8)
    np.testing.assert_allclose(of_main[0], 0.0470007, atol=5e-8)


def test_derivatives_at_a_temperature():
    """(r - q) / T in the auxiliary's margin, -(d_V / T) q (1 - q) / T in the main one's."""
    main, auxiliary, t = tf.constant([0.5], tf.float64), tf.constant([-0.2], tf.float64), 0.1
    with tf.GradientTape() as tape:
        tape.watch([main, auxiliary])
        losses = relations.relation_losses(main, auxiliary, t)
    q, r = 1 / (1 + np.exp(-0.5 / t)), 1 / (1 + np.exp(0.2 / t))
    of_main, of_auxiliary = tape.gradient(losses, [main, auxiliary])
    np.testing.assert_allclose(of_auxiliary, [(r - q) / t], rtol=1e-12)
    np.testing.assert_allclose(of_main, [0.2 / t * q * (1 - q) / t], rtol=1e-12)


@pytest.mark.parametrize("kind", relations.SIMILARITIES)
@pytest.mark.parametrize("hard", [False, True])
def test_pairs_have_no_order(kind, hard):
    expected = loss(QUADRUPLES, kind, hard)
    for order in ([1, 0, 2, 3], [0, 1, 3, 2]):
        np.testing.assert_allclose(loss(QUADRUPLES[:, order], kind, hard), expected, rtol=1e-12)
    # Another pairing of the four says something else.
    assert abs(loss(QUADRUPLES[:, [0, 2, 1, 3]], kind, hard) - expected) > 1e-3


@pytest.mark.parametrize("kind", relations.SIMILARITIES)
def test_exchanged_pairs_say_the_opposite(kind):
    exchanged = QUADRUPLES[:, [2, 3, 0, 1]]
    for x in (FEATURES, OTHERS):
        given, opposite = (
            relations.margins(x, tf.constant(i), kind) for i in (QUADRUPLES, exchanged)
        )
        np.testing.assert_allclose(opposite, -given, rtol=1e-12)
    np.testing.assert_allclose(loss(exchanged, kind), loss(QUADRUPLES, kind), rtol=1e-12)


def test_similarities():
    left, right = tf.constant([[3.0, 4.0], [0.0, 0.0]]), tf.constant([[6.0, 8.0], [1.0, 0.0]])
    np.testing.assert_allclose(relations.similarity(left, right), [1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(relations.similarity(left, right, "dot"), [50.0, 0.0])


def test_hard_answers_have_no_gradient_in_the_main_features():
    features = tf.constant(FEATURES)
    with tf.GradientTape() as tape:
        tape.watch(features)
        main = relations.margins(features, tf.constant(QUADRUPLES))
        found = relations.relation_losses(main, tf.zeros_like(main), hard=True)
    assert tape.gradient(found, features) is None
    # log 2 each: the auxiliary answers by halves.
    np.testing.assert_allclose(found, np.log(2), rtol=1e-12)


@pytest.mark.parametrize("examples, expected", [(4, 3), (5, 15), (6, 45)])
def test_all_where_there_are_few(examples, expected):
    found = relations.quadruples(examples, 45, tf.constant([0, 1])).numpy()
    pairs = {frozenset([frozenset(row[:2]), frozenset(row[2:])]) for row in found.tolist()}
    assert len(found) == len(pairs) == expected
    assert all(len(set(row)) == 4 for row in found.tolist())


def test_drawn_by_the_seed():
    first, again, other = (
        relations.quadruples(16, 50, tf.constant(seed)).numpy() for seed in ([0, 1], [0, 1], [0, 2])
    )
    assert first.shape == (50, 4) and first.dtype == np.int32
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)
    assert all(len(set(row)) == 4 for row in first.tolist())
    assert set(first.ravel().tolist()) == set(range(16))


def test_three_examples_are_refused():
    with pytest.raises(UserError, match="3 examples has no four different"):
        relations.quadruples(3, 3, tf.constant([0, 1]))
