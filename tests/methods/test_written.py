import dataclasses
import json

from darts_tf import methods
from darts_tf.methods import written
from darts_tf.schedules import Linear


def test_settings_have_the_names_that_checkpoints_have():
    gdas = written.settings(methods.get("gdas"))
    assert gdas["temperature"] == {"first": 10.0, "last": 0.1, "reaches_last": True}
    assert gdas["nesterov"] is True and gdas["weights_first"] is True and gdas["trains"] is True
    assert gdas["warm_up"] is gdas["skip_dropout"] is gdas["auxiliary_skip"] is None
    assert written.settings(methods.get("p-darts"))["warm_up"] == {"frozen": 10, "of": 25}
    assert written.settings(methods.get("fair-darts"))["architecture_betas"] == (0.9, 0.999)
    assert written.settings(methods.get("te-nas"))["trains"] is False
    assert not {"controls", "optimizer_options", "order"} & set(gdas)


def test_what_earlier_versions_did_not_know():
    changed = dataclasses.replace(
        methods.get("darts-v1"),
        controls={"gain": Linear(0.0, 1.0)},
        optimizer_options={"architecture": {"beta_1": 0.9, "amsgrad": True}},
    )
    found = written.settings(changed)
    assert found["gain"] == {"first": 0.0, "last": 1.0, "reaches_last": True}
    assert found["optimizer_options"] == {"architecture": {"amsgrad": True}}
    assert found["architecture_betas"] == (0.9, 0.999)
    assert json.dumps(found)
