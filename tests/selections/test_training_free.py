import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.selections.training_free import Pruning, TrainingFree, ranks
from darts_tf.supernets.supernet import Supernet

SPACE = spaces.Space(
    "five_edges_more",
    ("none", "skip_connect", "sep_conv_3x3", "dil_conv_3x3"),
    nodes=2,
    cell_types=("normal",),
)


class Additive:
    """Both measures grow by so much with every operation that is there."""

    def __init__(self, condition, regions):
        self._values = np.array(condition, float), np.array(regions, float)
        self.draws, self.seen = [], []

    def draw(self, seed):
        self.draws.append(seed)

    def condition(self, rows):
        self.seen.append(rows["normal"])
        return 100 + self._values[0][rows["normal"] > 0].sum()

    def regions(self, rows):
        return 1000 + self._values[1][rows["normal"] > 0].sum()


def test_ranks():
    np.testing.assert_array_equal(ranks([0.1234, 0.5, 0.1232, -1, 0.1243]), [1, 3, 1, 0, 2])
    np.testing.assert_array_equal(ranks([-0.0101, -0.0102, 0, 0]), [1, 0, 2, 2])


def one_edge(condition, regions, prune=1):
    """The operations left of one edge after each round."""
    space = spaces.Space(
        "one", SPACE.operations, nodes=1, inputs=1, cell_types=("normal",), edges_per_node=None
    )
    measures = Additive([[0, *condition]], [[0, *regions]])
    final = Pruning(space, measures, repeats=1, prune=prune).run()["normal"][0]
    before = [seen[0] for seen in measures.seen]
    return np.flatnonzero(final).tolist(), before


def test_the_sum_of_the_ranks_decides():
    # Without an operation the condition number falls by its part, and so do the regions: ranks of
    # the first 0, 1, 2 and of the second 2, 0, 1, so that the second of the operations goes.
    left, before = one_edge([30, 20, 10], [90, 10, 40])
    np.testing.assert_allclose(before[0], np.float32([0, 1 / 3, 1 / 3, 1 / 3]))
    np.testing.assert_allclose(before[1], [0, 0, 0.5, 0.5])
    np.testing.assert_allclose(before[4], [0, 0.5, 0, 0.5])
    # Then both have the sum 1, and the one whose loss lowers the condition number goes.
    assert left == [3]


@pytest.mark.parametrize("prune, left", [(1, [2]), (2, [2]), (9, [2])])
def test_the_operation_that_is_best_by_both_stays(prune, left):
    assert one_edge([20, 1, 30], [5, 60, 10], prune)[0] == left


def test_two_edges_a_node():
    # The dilated convolution is the best everywhere; of the edges into the second node the second
    # is the worst by both measures.
    condition = np.array([[0, 9, 8, 1]] * 5)
    regions = np.array([[0, 1, 2, 20]] * 5)
    condition[2:, 3], regions[2:, 3] = [2, 7, 3], [30, 10, 25]
    measures = Additive(condition, regions)
    pruning = Pruning(SPACE, measures, repeats=2)
    expected = pruning.evaluations()
    rows = pruning.run()["normal"]
    np.testing.assert_array_equal(rows.argmax(axis=1), [3, 3, 3, 0, 3])
    np.testing.assert_array_equal(rows.sum(axis=1), [1, 1, 1, 0, 1])
    # Two rounds of operations and one of edges, of 1 + the number of candidates measurements each.
    assert len(measures.draws) == len(set(measures.draws)) == 3 * 2
    assert len(measures.seen) == 2 * (1 + 15 + 1 + 10 + 1 + 3) == expected


@pytest.mark.parametrize("name, prune", [("nas_bench_201", 1), ("darts_cnn", 3), ("s2", 1)])
def test_how_many_go_in_a_round(name, prune):
    assert Pruning(spaces.get(name), None)._prune == prune


def test_a_supernet(one_edge_space):
    keras.utils.set_random_seed(0)
    supernet = Supernet(one_edge_space, (6, 6, 1), 3, channels=2, cells=3)
    images = np.random.default_rng(0).normal(size=(8, 6, 6, 1)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((images, np.zeros(8, "int32"))).batch(4)
    state = [v.numpy() for v in supernet.variables]
    select = TrainingFree(repeats=1, kernel_images=2, inputs=(1, 10))
    genotype = select(supernet, data)
    for variable, value in zip(supernet.variables, state, strict=True):
        np.testing.assert_array_equal(variable, value)
    (edge,) = genotype["normal"].edges
    assert edge.operation in ("skip_connect", "nor_conv_1x1")
    for variable in supernet.variables:
        variable.assign(keras.ops.ones_like(variable))
    assert select(supernet, data) == genotype
    with pytest.raises(UserError, match="is of 16 images, but there are only 8; give more"):
        selections.get("training_free")(supernet, data)
