"""--batch_size=auto: what a search has chosen is what it and a selection go on with."""

import json
import types

import pytest
from absl import flags
from absl.testing import flagsaver

from train import batch_sizes, search_flags


@pytest.fixture(autouse=True)
def automatic():
    flags.FLAGS.mark_as_parsed()
    with flagsaver.flagsaver(batch_size="auto"):
        yield


def test_the_first_start_chooses_and_the_next_ones_keep_it(monkeypatch):
    monkeypatch.setattr(batch_sizes, "_largest", lambda data, method: 48)
    kept = {}
    folder = types.SimpleNamespace(read_json=kept.get, write_json=kept.__setitem__)
    batch_sizes.settle(folder, None, None, replicas=1)
    assert search_flags.BATCH_SIZE.value == 48 and kept == {"batch_size.json": 48}
    monkeypatch.setattr(batch_sizes, "_largest", lambda data, method: 96)
    with flagsaver.flagsaver(batch_size="auto"):
        batch_sizes.settle(folder, None, None, replicas=1)
        assert search_flags.BATCH_SIZE.value == 48


def test_settled(tmp_path):
    assert batch_sizes.settled(tmp_path) is None
    (tmp_path / "batch_size.json").write_text(json.dumps(48))
    assert batch_sizes.settled(tmp_path) == 48
