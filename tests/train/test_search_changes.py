"""Which settings of a search may be others when it goes on."""

import dataclasses

import pytest

from darts_tf import methods
from darts_tf.runs.settings import Changeable
from train import search_changes
from train.search_flags import SearchConfig


def test_of_a_latency_table_the_content_decides_not_the_place(tmp_path):
    places = tmp_path / "latency.json", tmp_path / "moved.json"
    for place in places:
        place.write_text('{"milliseconds": {}}')
    configs = [SearchConfig(latency_table=str(place)) for place in places]
    found = [config.decisive() for config in configs]
    places[0].write_text('{"milliseconds": {"a": 1}}')
    measured_again = configs[0].decisive()
    program = search_changes.changeable(configs[0], configs[0].make_method())
    changeable = Changeable(free=("latency_table",))
    assert changeable.difference(*found) is None
    assert "latency_table_sha256 was" in changeable.difference(found[0], measured_again)
    # Earlier versions kept the path alone.
    before = {k: v for k, v in found[0].items() if k != "latency_table_sha256"}
    program = dataclasses.replace(program, free=("latency_table",))
    assert program.difference(before, measured_again) is None


@pytest.mark.parametrize("method, candidates", [("random", 20), ("random-ws", 1000)])
def test_candidates_that_were_not_given(method, candidates):
    config = SearchConfig(method=method)
    changeable = search_changes.changeable(config, config.make_method())
    assert changeable.unwritten == {"candidates": candidates}


def test_stages_cannot_become_longer():
    before, now = {"epochs": 2}, {"epochs": 3}
    config = SearchConfig()
    changeable = search_changes.changeable(config, methods.get("p-darts"))
    assert "is now 3, but stages that have ended" in changeable.difference(before, now)
    changeable = search_changes.changeable(config, methods.get("darts-v1"))
    assert changeable.difference(before, now) is None
