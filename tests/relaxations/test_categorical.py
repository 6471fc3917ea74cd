import numpy as np
import scipy.stats
import tensorflow as tf

from darts_tf.relaxations import Categorical

LOGITS = tf.constant([[1.0, 0.0, -0.5, 0.5]])
DRAWS = 20_000


def test_operations_are_drawn_from_the_softmax(many_edges, seeds):
    variables = {"alpha": tf.repeat(LOGITS, DRAWS, 0)}
    weights = Categorical().weights(many_edges(DRAWS), "normal", variables, None, seeds(1)[0])
    assert set(weights.numpy().ravel()) == {0.0, 1.0}
    counts = np.bincount(weights.numpy().argmax(-1), minlength=4)
    expected = tf.nn.softmax(tf.cast(LOGITS, tf.float64))[0].numpy()
    assert scipy.stats.chisquare(counts, DRAWS * expected).pvalue > 1e-3


def test_nothing_flows_through_a_draw(space, alpha, seeds):
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(alpha)
        weights = Categorical().weights(space, "normal", {"alpha": alpha}, None, seeds(1)[0])
        logits = Categorical().logits(space, "normal", {"alpha": alpha})
    assert tape.gradient(weights, alpha) is None
    np.testing.assert_array_equal(tape.gradient(logits, alpha), np.ones((14, 8)))


def test_without_noise_it_is_the_likeliest_operation(space, alpha):
    weights = Categorical().weights(space, "normal", {"alpha": alpha})
    np.testing.assert_array_equal(weights, np.eye(8)[alpha.numpy().argmax(-1)])
    got = Categorical().probabilities(space, "normal", {"alpha": alpha})
    np.testing.assert_allclose(got, tf.nn.softmax(alpha), rtol=1e-6)


def test_only_candidates_are_drawn(space, alpha, seeds):
    few = [("none", "sep_conv_3x3")] * 14
    space = space.restrict({"normal": few, "reduce": few})
    for seed in seeds(5):
        weights = Categorical().weights(space, "normal", {"alpha": alpha}, None, seed).numpy()
        np.testing.assert_array_equal(weights[:, [0, 4]].sum(-1), 1)
