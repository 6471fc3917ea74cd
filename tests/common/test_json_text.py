import json
import math

import pytest

from darts_tf.common import json_text


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_null(number):
    text = json_text.dumps({"a": [1.5, (number, "NaN")], "b": number})
    assert text == '{"a": [1.5, [null, "NaN"]], "b": null}'


def test_all_else_is_as_pythons():
    value = {"a": [1, 2.5, True, None, "é"], "b": {}}
    for indent in (None, 2):
        assert json_text.dumps(value, indent) == json.dumps(value, indent=indent)
