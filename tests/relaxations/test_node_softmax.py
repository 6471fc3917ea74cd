import numpy as np
import tensorflow as tf

from darts_tf.relaxations import NodeSoftmax, Softmax
from darts_tf.spaces import Space

ROWS = [slice(0, 2), slice(2, 5), slice(5, 9), slice(9, 14)]


def weights(space, alpha):
    return NodeSoftmax().weights(space, "normal", {"alpha": alpha}).numpy()


def test_formula(space, alpha):
    got = weights(space, alpha)
    for rows in ROWS:
        powers = np.exp(alpha.numpy()[rows])
        np.testing.assert_allclose(got[rows], powers / powers.sum(), rtol=1e-5)


def test_every_node_sums_to_one(space, alpha):
    got = weights(space, 30 * alpha)
    for rows in ROWS:
        np.testing.assert_allclose(got[rows].sum(), 1, rtol=1e-5)


def test_a_constant_matters_on_an_edge_but_not_on_a_node(space, alpha):
    before = weights(space, alpha)
    node, edge = alpha.numpy(), alpha.numpy()
    node[2:5] += 1.5
    edge[3] += 1.5
    np.testing.assert_allclose(weights(space, node), before, rtol=1e-5)
    after = weights(space, edge)
    assert (after[3] > 1.5 * before[3]).all() and (after[[2, 4]] < before[[2, 4]]).all()
    np.testing.assert_allclose(np.delete(after, [2, 3, 4], 0), np.delete(before, [2, 3, 4], 0))


def test_with_one_predecessor_it_is_darts(alpha):
    chain = Space("chain", ("none", "skip_connect", "sep_conv_3x3"), nodes=1, inputs=1)
    logits = {"alpha": alpha[:1, :3]}
    np.testing.assert_allclose(
        NodeSoftmax().weights(chain, "normal", logits),
        Softmax().weights(chain, "normal", logits),
        rtol=1e-6,
    )


def test_large_logits(space, alpha):
    got = weights(space, alpha + tf.constant([[1e4]] * 14))
    np.testing.assert_allclose(got, weights(space, alpha), rtol=1e-2)


def test_gradient(space, alpha):
    """dp_a/dalpha_b = p_a (delta_ab - p_b) within a node, 0 between nodes."""
    with tf.GradientTape() as tape:
        tape.watch(alpha)
        p = NodeSoftmax().weights(space, "normal", {"alpha": alpha})
        chosen = p[3, 4]
    got = tape.gradient(chosen, alpha).numpy()
    p = p.numpy()
    expected = np.zeros((14, 8))
    expected[2:5] = -p[3, 4] * p[2:5]
    expected[3, 4] += p[3, 4]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_only_candidates_have_a_weight(space, alpha):
    few = [("none", "sep_conv_3x3")] * 14
    got = weights(space.restrict({"normal": few, "reduce": few}), alpha)
    np.testing.assert_array_equal(np.delete(got, [0, 4], 1), 0)
    for rows in ROWS:
        np.testing.assert_allclose(got[rows].sum(), 1, rtol=1e-5)
