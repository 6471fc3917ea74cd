"""How --gradient_options is read."""

import pytest

from darts_tf import gradients
from darts_tf.common.errors import UserError
from train import search_flags
from train.search_flags import SearchConfig


@pytest.mark.parametrize(
    "text, expected",
    [
        ("samples=4", ("samples", 4)),
        ("baseline_decay=0.9", ("baseline_decay", 0.9)),
        ("baseline_decay=none", ("baseline_decay", None)),
        ("fresh=true", ("fresh", True)),
        ("data=train", ("data", "train")),
    ],
)
def test_values(text, expected):
    name, value = search_flags._option(text)
    assert (name, value) == expected and type(value) is type(expected[1])


@pytest.mark.parametrize("text", ["samples", "samples=", "=4"])
def test_what_is_none(text):
    with pytest.raises(UserError, match="expected name=value"):
        search_flags._option(text)


def test_they_reach_the_estimator():
    given = {"hypergradient": "unrolled", "gradient_options": ("steps=2",)}
    unrolled = SearchConfig(method="darts-v2", **given)
    assert unrolled.make_method().make_gradient() == gradients.Unrolled(2)
    difference = SearchConfig(method="darts-v2", gradient_options=("radius=1e-3",))
    assert difference.make_method().make_gradient() == gradients.FiniteDifference(1e-3)
