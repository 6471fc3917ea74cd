import numpy as np
import pytest

from darts_tf import genotypes, plots, selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import decidedness
from darts_tf.schedules import keep_largest
from darts_tf.spaces import check_operation_weights
from darts_tf.spaces.operation_weights import check_range

SPACE = spaces.get("darts_cnn")


def alphas(seed):
    draw = np.random.default_rng(seed)
    return {name: draw.normal(size=(14, 8)) for name in SPACE.cell_types}


def softmax(values):
    powers = np.exp(values)
    return powers / powers.sum(axis=-1, keepdims=True)


def test_operation_weights_come_back_as_arrays():
    given = {name: softmax(values).astype("float32") for name, values in alphas(0).items()}
    found = check_operation_weights(SPACE, {**given, "other": None})
    assert list(found) == ["normal", "reduce"]
    for name, values in found.items():
        np.testing.assert_array_equal(values, given[name])
        assert values.dtype == "float32"
    # An edge without weights, one decided, sums above 1 (sigmoids), and a rounded 1.
    check_range("normal", np.array([[0, 0], [0, 1], [0.9, 0.9], [0, 1 + 1e-6]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reduce": np.zeros((14, 7))}, r"reduce cell: expected the shape \[14 edges, 8 op.*14, 7"),
        ({"normal": np.full((14, 8), np.nan)}, "normal cell: not every number is finite"),
        ({"normal": np.full((14, 8), 1.5)}, "normal cell: .*0 to 1, got 1.5; are these alphas"),
        ({"reduce": np.full((14, 8), -0.25)}, "reduce cell: .*0 to 1, got -0.25; are these alphas"),
    ],
)
def test_what_is_none(change, message):
    good = {name: softmax(values) for name, values in alphas(0).items()}
    with pytest.raises(UserError, match=message):
        check_operation_weights(SPACE, good | change)


def test_a_cell_type_is_missing():
    with pytest.raises(UserError, match="reduce cell is missing; .* normal, reduce, got normal"):
        check_operation_weights(SPACE, {"normal": np.zeros((14, 8))})


def sample_learned(space, weights):
    from darts_tf.tuner import sample_learned

    return sample_learned(space, weights, np.random.default_rng(0))


TAKERS = {
    name: selections.get(name)
    for name in ("magnitude", "top_pairs", "every_edge", "threshold", "threshold_edge", "few_skips")
}
TAKERS["keep_largest"] = lambda space, weights: keep_largest(space, weights, 3)
TAKERS["sample_learned"] = sample_learned
TAKERS["leads"] = lambda space, weights: decidedness.leads(
    space, weights, genotypes.get("DARTS_V2")
)
TAKERS["picture"] = lambda space, weights: plots.plot_operation_weights(
    {name: values[None] for name, values in weights.items()}, space, "unwritten.png"
)


@pytest.mark.parametrize("taker", TAKERS.values(), ids=TAKERS)
def test_whatever_takes_operation_weights_refuses_alphas(taker):
    """They order an edge's operations as their softmax does, but not the edges of a node."""
    for seed in range(20):
        with pytest.raises(UserError, match="expected numbers from 0 to 1, got .*are these alphas"):
            taker(SPACE, alphas(seed))


def test_a_cell_by_the_softmax_of_given_alphas():
    """The edge whose `none` is strong loses, although its alpha is the largest of all."""
    values = np.zeros((14, 8))
    values[2:5, 4] = 3, 2, 1.9  # sep_conv_3x3 on the three edges into the second node.
    values[2, 0] = 9  # none
    given = {name: softmax(values) for name in SPACE.cell_types}
    node = selections.magnitude(SPACE, given)["normal"].nodes[1]
    assert node == (("sep_conv_3x3", 1), ("sep_conv_3x3", 2))
