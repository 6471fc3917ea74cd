"""Which settings of a search may be others when it goes on."""

import dataclasses

import pytest
from absl import flags
from absl.testing import flagsaver

from darts_tf import methods
from darts_tf.runs.settings import Changeable
from train import search_changes, search_flags


@pytest.fixture(autouse=True)
def parsed():
    flags.FLAGS.mark_as_parsed()
    with flagsaver.flagsaver():
        yield


def test_of_a_latency_table_the_content_decides_not_the_place(tmp_path):
    places = tmp_path / "latency.json", tmp_path / "moved.json"
    for place in places:
        place.write_text('{"milliseconds": {}}')
    found = []
    for place in places:
        with flagsaver.flagsaver(latency_table=str(place)):
            found.append(search_flags.config())
    places[0].write_text('{"milliseconds": {"a": 1}}')
    with flagsaver.flagsaver(latency_table=str(places[0])):
        measured_again, program = search_flags.config(), search_changes.changeable(None)
    changeable = Changeable(free=("latency_table",))
    assert changeable.difference(*found) is None
    assert "latency_table_sha256 was" in changeable.difference(found[0], measured_again)
    # Earlier versions kept the path alone.
    before = {k: v for k, v in found[0].items() if k != "latency_table_sha256"}
    program = dataclasses.replace(program, free=("latency_table",))
    assert program.difference(before, measured_again) is None


@pytest.mark.parametrize("method, candidates", [("random", 20), ("random-ws", 1000)])
def test_candidates_that_were_not_given(method, candidates):
    with flagsaver.flagsaver(method=method):
        how = search_flags.method()
        assert search_changes.changeable(how).unwritten == {"candidates": candidates}


def test_stages_cannot_become_longer():
    before, now = {"epochs": 2}, {"epochs": 3}
    changeable = search_changes.changeable(methods.get("p-darts"))
    assert "is now 3, but stages that have ended" in changeable.difference(before, now)
    assert search_changes.changeable(methods.get("darts-v1")).difference(before, now) is None
