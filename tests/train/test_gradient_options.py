"""How --gradient_options is read."""

import pytest

from darts_tf.common.errors import UserError
from train import search_flags


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
