import json
import types

import numpy as np
import pytest
from absl import logging

from darts_tf import genotypes, selections, spaces
from darts_tf.genotypes import decidedness
from darts_tf.search.collapse_monitor import CollapseMonitor
from darts_tf.supernets import parameter_free

SPACE = spaces.get("darts_cnn")
SKIP, CONVOLUTION = (SPACE.operations.index(x) for x in ("skip_connect", "sep_conv_3x3"))
EPOCHS = 20


class FakeSearch:
    """A search in which one operation gathers weight on all edges, epoch by epoch."""

    def __init__(self, winner, eigenvalues=None):
        self.edges = []
        architecture = types.SimpleNamespace(decided=lambda: {"normal": self._on(self.edges)})
        self.supernet = types.SimpleNamespace(
            space=SPACE, architecture=architecture, edges_learn=True
        )
        self.has_eigenvalue = eigenvalues is not None
        self.epoch = self.first_epoch = 0
        self.selects_by_weights = True
        self._winner = winner
        self._eigenvalues = eigenvalues

    def operation_weights(self):
        alpha = np.random.default_rng(0).normal(0, 1e-3, (14, 8))
        alpha[:, self._winner] += 0.1 * self.epoch
        powers = np.exp(alpha)
        weights = powers / powers.sum(axis=1, keepdims=True)
        return {"normal": weights, "reduce": np.full((14, 8), 1 / 8)}

    def favoured(self):
        return selections.magnitude(SPACE, self.operation_weights())

    def leads(self, genotype=None):
        return decidedness.leads(SPACE, self.operation_weights(), genotype or self.favoured())

    @staticmethod
    def _on(edges):
        return np.isin(np.arange(14), edges)

    def eigenvalue(self):
        return self._eigenvalues[self.epoch]


@pytest.fixture
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: said.append(text % args))
    return said


class Decided(FakeSearch):
    """As a greedy search: the first edges of the normal cell hold a skip connection for good."""

    def __init__(self, decided, eigenvalues=None):
        super().__init__(CONVOLUTION, eigenvalues)
        self._decided = decided

    def operation_weights(self):
        rows = np.full((14, 8), 1 / 8)
        self.edges = self._decided(self.epoch)
        rows[self.edges] = np.eye(8)[SKIP]
        return {"normal": rows, "reduce": np.full((14, 8), 1 / 8)}


def run(search, every=0, resumed_after=()):
    """All epochs, with a new monitor after some of them; the logs."""
    monitor, logs = CollapseMonitor(search, every), []
    for search.epoch in range(EPOCHS):
        logs.append({})
        monitor.on_epoch_end(search.epoch, logs[-1])
        if search.epoch in resumed_after:
            state = json.loads(json.dumps(monitor.state))
            monitor = CollapseMonitor(search, every)
            monitor.state = state
    return logs


def test_a_collapsing_search_is_said_once_and_in_words(warnings):
    logs = run(FakeSearch(SKIP))
    assert logs[-1]["parameter_free_normal"] == 8
    np.testing.assert_allclose(logs[0]["none_share"], 1 / 8, atol=1e-3)
    assert "eigenvalue" not in logs[-1]
    assert [log["collapse_warnings"] for log in logs] == [0] * 7 + [1] * (EPOCHS - 7)
    (text,) = warnings
    # (3 + exp(0.7)) / (7 + exp(0.7)) is the first to be 0.05 more than the half of equal weights.
    assert text.startswith("epoch 8: 8 of the 8 edges of the normal cell hold operations without")
    assert "--selection=operation_strength" in text and "darts-pt" in text


def test_a_sound_search_is_not_disturbed(warnings):
    logs = run(FakeSearch(CONVOLUTION, eigenvalues=np.linspace(0.2, 0.25, EPOCHS)), every=2)
    assert warnings == []
    assert logs[-1]["parameter_free_normal"] == 0
    assert [e for e in range(EPOCHS) if "eigenvalue" in logs[e]] == list(range(1, EPOCHS, 2))


def test_equal_weights_are_no_collapse(warnings):
    """The reduction cell's first candidates are poolings, but nothing has moved."""
    logs = run(FakeSearch(CONVOLUTION))
    assert logs[-1]["parameter_free_reduce"] == 8 and warnings == []


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2"])
def test_the_reduction_cells_of_darts_are_no_collapse(warnings, name):
    """The paper's own: no edge of the reduction cell has parameters."""
    genotype = genotypes.get(name)
    search = FakeSearch(CONVOLUTION)
    rows = {cell_type: np.full((14, 8), 0.02) for cell_type in SPACE.cell_types}
    for cell_type, cell in genotype.cells.items():
        for node, edges in enumerate(cell.nodes):
            for edge in edges:
                row = SPACE.edges.index((node, edge.source))
                rows[cell_type][row, SPACE.operations.index(edge.operation)] = 0.86
    search.operation_weights = lambda: rows
    logs = run(search)
    assert logs[-1]["parameter_free_reduce"] == 8
    normal = genotype.cells["normal"]
    assert logs[-1]["parameter_free_normal"] == parameter_free.count(normal) <= 3
    assert warnings == [] and logs[-1]["collapse_warnings"] == 0


def test_none_that_takes_everything(warnings):
    search = FakeSearch(0)
    rows = (np.eye(8)[[0] * 14] + 0.01) / 1.08
    search.operation_weights = lambda: dict.fromkeys(SPACE.cell_types, rows)
    logs = run(search)
    assert logs[0]["none_share"] == pytest.approx(1.01 / 1.08)
    texts = [text for text in warnings if "the operation none has 94% of all weight" in text]
    assert len(texts) == 1 and texts[0].startswith("epoch 1: ")


def test_equal_weights_are_a_draw_which_is_said_at_the_end(warnings):
    search = FakeSearch(CONVOLUTION)
    logs = run(search)
    # After the epochs 0, 1, ... the convolution leads by exp(0.1 * epoch) - 1.
    assert [log["close_to_a_draw_normal"] for log in logs] == [8] + [0] * (EPOCHS - 1)
    assert {log["close_to_a_draw_reduce"] for log in logs} == {8} and warnings == []
    CollapseMonitor(search).on_train_end()
    (text,) = warnings
    assert "on 8 of the 8 edges of the reduce cell the operation weights are still equal" in text
    assert "normal" not in text and "--architecture_learning_rate" in text
    search.selects_by_weights = False
    assert "close_to_a_draw_normal" not in run(search)[-1]
    CollapseMonitor(search).on_train_end()
    assert len(warnings) == 1


GROWING = [0.2] * 8 + [0.2 * 1.5**i for i in range(1, EPOCHS - 7)]


@pytest.mark.parametrize("resumed_after", [(), (8,), (9, 12)])
def test_a_growing_eigenvalue(warnings, resumed_after):
    run(FakeSearch(CONVOLUTION, GROWING), every=1, resumed_after=resumed_after)
    (text,) = warnings
    # The mean of 5 is 0.2 * (3 + 1.5 + 1.5^2) / 5 = 1.35 times that of 4 epochs before.
    assert text.startswith("epoch 10: the largest eigenvalue")


def test_epochs_that_are_repeated_count_once():
    search = FakeSearch(CONVOLUTION, GROWING)
    monitor = CollapseMonitor(search, 1)
    for search.epoch in (0, 1, 2, 3, 2, 3):
        monitor.on_epoch_end(search.epoch)
    assert monitor.state["measured"] == [[e, 0.2, 0] for e in range(4)]


def test_some_decided_edges_are_no_collapse(warnings):
    """The undecided edges hold poolings too, but only because a cell has to hold something."""
    logs = run(Decided(lambda epoch: [0, 2, 5]))
    assert logs[-1]["parameter_free_normal"] == 8 and warnings == []
    run(Decided(lambda epoch: [0, 2, 5, 9]))
    (text,) = warnings
    assert text.startswith("epoch 1: 4 of the 8 edges of the normal cell")


def test_an_eigenvalue_is_not_compared_with_one_of_more_open_edges(warnings):
    run(Decided(lambda epoch: [0] if epoch >= 6 else [], GROWING), every=1)
    # Epoch 11 is the first with five values since the decision: their mean is 1.6 times the first.
    (text,) = warnings
    assert text.startswith("epoch 11: the largest eigenvalue")
