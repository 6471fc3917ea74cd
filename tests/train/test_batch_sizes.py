"""--batch_size=auto: what a search has chosen is what it and a selection go on with."""

import json
import types

from train import batch_sizes
from train.search_flags import SearchConfig

AUTOMATIC = SearchConfig(batch_size="auto")


def test_the_first_start_chooses_and_the_next_ones_keep_it(monkeypatch):
    monkeypatch.setattr(batch_sizes, "_largest", lambda config, data, method: 48)
    kept = {}
    folder = types.SimpleNamespace(read_json=kept.get, write_json=kept.__setitem__)
    settled = batch_sizes.settle(AUTOMATIC, folder, None, None, replicas=1)
    assert settled.batch_size == 48 and kept == {"batch_size.json": 48}
    assert AUTOMATIC.batch_size == "auto"
    monkeypatch.setattr(batch_sizes, "_largest", lambda config, data, method: 96)
    assert batch_sizes.settle(AUTOMATIC, folder, None, None, replicas=1) == settled


def test_settled(tmp_path):
    assert batch_sizes.settled(tmp_path) is None
    (tmp_path / "batch_size.json").write_text(json.dumps(48))
    assert batch_sizes.settled(tmp_path) == 48
