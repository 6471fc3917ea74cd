import dataclasses

from darts_tf import macros, spaces
from darts_tf.benchmark.text_workloads import TextSize, measure_text_search


def test_search(eagerly, monkeypatch):
    """Two windows a step, each of its own text, of one length."""
    nodes = dataclasses.replace(spaces.DARTS_RNN, name="benchmark_rnn", nodes=1, edges=None)
    monkeypatch.setattr(spaces._SPACES, "_entries", {**spaces._SPACES, nodes.name: nodes})
    seen = []
    walk = macros.LanguageNetwork.walk

    def watched(self, layers, inputs, run):
        seen.append(tuple(getattr(inputs, "shape", inputs)))
        return walk(self, layers, inputs, run)

    monkeypatch.setattr(macros.LanguageNetwork, "walk", watched)
    size = TextSize(units=3, vocabulary=5, batch_size=2, length=4)
    found = measure_text_search(size, space="benchmark_rnn", steps=2, warmup=0)
    assert len(found.step_seconds) == len(found.step_cpu_seconds) == 2
    assert min(found.step_cpu_seconds) > 0 and len(found.data_wait_seconds) == 2
    # The tied embedding and its bias; W_0 of x and h; W_1.
    assert found.weights == (5 * 3 + 5) + 6 * 6 + 3 * 6
    assert set(seen[1:]) == {(2, 4)}
