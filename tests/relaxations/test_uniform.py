import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes, spaces
from darts_tf.relaxations import Uniform
from darts_tf.selections.shared_weights import one_hot

DRAWS = 400


def draw(space, cell_type, count=DRAWS):
    """Operation weights of many seeds, `[count, edges, operations]`."""
    relaxation = Uniform()
    weights = tf.function(
        lambda seed: relaxation.weights(space, cell_type, {}, seed=seed), autograph=False
    )
    return np.stack([weights(tf.constant([3, i])) for i in range(count)])


@pytest.mark.parametrize("name", ["darts_cnn", "nas_bench_201", "s1"])
def test_a_draw_is_an_architecture_of_the_space(name):
    space = spaces.get(name)
    mask = space.mask("normal")
    for weights in draw(space, "normal", 20):
        assert set(np.unique(weights)) <= {0, 1}
        assert not weights[~mask].any()
        assert (weights.sum(axis=1) <= 1).all()
        for node in range(space.nodes):
            into = list(space.edges_into(node))
            assert weights[into].sum() == (space.edges_per_node or len(into))
        if not space.selects_none and "none" in space.operations:
            assert not weights[:, space.operations.index("none")].any()


def test_operations_and_edges_are_uniform():
    weights = draw(spaces.DARTS_CNN, "normal")
    # Each of the 7 operations on each of the 14 edges; node n keeps 2 of its n + 2 edges.
    for node in range(4):
        edges = list(spaces.DARTS_CNN.edges_into(node))
        kept = weights[:, edges].sum(axis=2).mean(axis=0)
        share = 2 / len(edges)
        spread = 4 * np.sqrt(share * (1 - share) / DRAWS)
        np.testing.assert_allclose(kept, share, atol=spread + 1e-9)
    counts = weights.sum(axis=(0, 1))[1:]
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 27.9  # 6 degrees: p = 1e-4.


def test_without_a_draw_all_candidates_weigh_the_same():
    weights = Uniform().probabilities(spaces.get("s1"), "reduce", {}).numpy()
    mask = spaces.get("s1").mask("reduce")
    np.testing.assert_array_equal(weights, mask / 2)


def test_one_hot():
    space = spaces.DARTS_CNN
    genotype = genotypes.get("DARTS_V2")
    weights = one_hot(space, genotype)["reduce"]
    assert weights.sum() == 8
    for node, edges in enumerate(genotype["reduce"].nodes):
        for name, source in edges:
            assert weights[space.edges.index((node, source)), space.operations.index(name)] == 1
