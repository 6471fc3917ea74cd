import pytest

from darts_tf.common.errors import UserError
from darts_tf.schedules import Growing, SkipStop, with_options


def test_a_rule_with_other_arguments():
    options = {"patience": 2, "by": "split+node", "noise": 0, "nodes": None}
    expected = Growing(by=("split", "node"), patience=2, noise=0.0, nodes=None)
    assert with_options(Growing(), options) == expected
    assert with_options(SkipStop(), {"stable": None, "most": 3}) == SkipStop(3, None)


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (Growing(), {"patient": 2}, "unknown option 'patient' .* expected one of by, patience"),
        (None, {"patience": 2}, "unknown option 'patience' .* this method's has none"),
        (Growing(), {"patience": "two"}, "option patience .* is 'two'; expected a whole number"),
        (Growing(), {"patience": True}, "is True; expected a whole number"),
        (Growing(), {"prune": 1}, "prune .* is 1; expected true or false"),
        (Growing(), {"noise": "x"}, "noise .* is 'x'; expected a number"),
        (Growing(), {"nodes": 1.5}, "nodes .* is 1.5; expected a whole number or none"),
        (Growing(), {"by": "edge"}, r"by is \('edge',\)"),
    ],
)
def test_refusals(rule, options, message):
    with pytest.raises(UserError, match=message):
        with_options(rule, options)
