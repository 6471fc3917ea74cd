"""--batch_size=auto: what a search has chosen is what it and a selection go on with."""

import json
import types

from darts_tf.costs.memory import MemoryEstimate
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


def test_the_further_levels_of_a_method_are_counted(monkeypatch):
    config = SearchConfig(
        method="tetlo", space="nas_bench_201", channels=2, cells=3, memory_limit=0.4
    )
    data = types.SimpleNamespace(
        input_shape=(8, 8, 1),
        num_classes=2,
        training=None,
        validation=None,
        size=lambda part: 1000,
        task=str,
        macro=lambda space: None,
    )
    seen = []

    def estimate(supernet, gradient, levels, task):
        seen.append(([level.name for level in levels], task))
        return MemoryEstimate(fixed_bytes=10**8, image_bytes=10**7)

    monkeypatch.setattr(batch_sizes.memory, "estimate", estimate)
    assert batch_sizes._largest(config, data, config.make_method()) == 30
    assert seen == [(["auxiliary"], "image_classification")]
