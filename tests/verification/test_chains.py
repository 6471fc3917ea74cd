"""The bench for chains of levels: its closed form, and a level of one's own in front of it."""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.verification import chains

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "adding_a_level.md"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_closed_form_is_what_differences_and_estimators_give(count):
    chain = chains.quadratic(count, seed=count)
    np.testing.assert_allclose(chain.numeric(1e-4), chain.known, rtol=1e-7)
    for name in ("unrolled", "finite_difference"):
        np.testing.assert_allclose(chain.estimate(name), chain.known, rtol=1e-7, err_msg=name)
        assert chain.error(name) < 1e-8
    if count > 1:
        # The paths through the inner levels matter.
        assert chain.error("first_order") > 0.1


def test_an_error_is_found():
    """The unrolled gradient of two levels instead of all, as if the third had no step."""
    chain = chains.quadratic(3)

    def without_the_last_path(problem, point, batches):
        moved = problem.stepped(problem.levels[2], point, None)
        point = {**point, "level_2": [tf.stop_gradient(x) for x in moved]}
        return gradients.unrolled(gradients.Problem(problem.levels[:2]), point, batches)

    assert chain.error(without_the_last_path) > 0.1


@pytest.fixture(scope="module")
def documented():
    """The names of the documentation's own level."""
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (code,) = (block for block in blocks if "in_front" in block)
    names = {}
    exec(compile(code, "own.py", "exec"), names)
    return names


def test_the_documented_level_by_hand(documented):
    """Examples' weights r: x_0 steps to x_0 - xi sum softmax(r)_i (x_0 - e_i).

    With s = softmax(r) and the slope g of the chain at the new x_0, the derivative in r is
    xi s * (E g - s' E g).
    """
    chain, longer = documented["chain"], documented["longer"]
    examples, rate = documented["examples"].numpy(), 0.5
    share = np.array([1.0, 1.0, 1.0]) / 3
    start = chain.point["level_0"][0].numpy()
    moved = start - rate * share @ (start - examples)
    there = chains.Chain(
        chain.problem, {**chain.point, "level_0": [tf.constant(moved)]}, chain.batches
    )
    along = examples @ there.estimate("unrolled")
    expected = rate * share * (along - share @ along)
    np.testing.assert_allclose(longer.numeric(), expected, rtol=1e-6)
    np.testing.assert_allclose(longer.estimate("unrolled"), expected, rtol=1e-10)
    assert [level.name for level in longer.problem.levels[:2]] == ["data_weights", "level_0"]
    assert len(longer.problem.levels) == 5


def test_the_outer_loss_stays_where_none_is_given():
    chain = chains.quadratic(2)
    own = gradients.Level("own", chain.problem.outer.loss)
    longer = chain.in_front(own, [tf.zeros(1, tf.float64)], gradients.InnerStep(0.1))
    # Nothing depends on it.
    np.testing.assert_array_equal(longer.numeric(), [0.0])
    np.testing.assert_array_equal(longer.estimate("unrolled"), [0.0])
