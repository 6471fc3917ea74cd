import contextlib

import numpy as np
import pytest

from darts_tf import methods, spaces
from darts_tf.common.errors import UserError
from darts_tf.runs.run_folder import RunFolder
from train import stages
from train.stages import StageConfig

SPACE = spaces.get("darts_cnn")


class FakeSupernet:
    def __init__(self, edge_operations):
        self.space = SPACE.restrict(edge_operations) if edge_operations else SPACE


class FakeSearch:
    """A search whose operation weights are known."""

    def __init__(self, number, edge_operations):
        self.supernet = FakeSupernet(edge_operations)
        self._number = number

    def operation_weights(self):
        rng = np.random.default_rng(self._number)
        return {name: rng.random((14, 8)) for name in SPACE.cell_types}


class Stopped(Exception):
    pass


def run(folder, stop_at=None):
    """Runs the stages of P-DARTS; returns what was called and what came out."""
    calls = []

    def search_stage(method, stage, number, edge_operations, prefix):
        calls.append((number, stage.cells, edge_operations, prefix, method.skip_dropout))
        assert folder.file(prefix).is_dir()
        if number == stop_at:
            raise Stopped
        return FakeSearch(number, edge_operations), f"history {number}"

    result = None
    with contextlib.suppress(Stopped):
        result = stages.run(methods.get("p-darts"), folder, search_stage)
    return calls, result


def test_three_stages(tmp_path):
    calls, (search, history) = run(RunFolder(tmp_path / "run", {}))
    assert [call[:2] for call in calls] == [(0, 5), (1, 11), (2, 17)]
    assert [call[3] for call in calls] == ["stage_1/", "stage_2/", ""]
    assert [rate and rate(0, 25) for *_, rate in calls] == pytest.approx([None, 0.384, 0.672])
    kept = [call[2] for call in calls]
    assert kept[0] is None
    for before, names, count in ((kept[1], kept[1], 5), (kept[1], kept[2], 3)):
        for name in SPACE.cell_types:
            assert [len(ops) for ops in names[name]] == [count] * 14
            pairs = zip(before[name], names[name], strict=True)
            assert all(set(ops) <= set(all_before) for all_before, ops in pairs)
    assert history == "history 2" and search.supernet.space == SPACE.restrict(kept[2])


@pytest.mark.parametrize("stop_at", [0, 1, 2])
def test_a_stopped_search_goes_on_with_its_stage(tmp_path, stop_at):
    whole, _ = run(RunFolder(tmp_path / "whole", {}))
    first, nothing = run(RunFolder(tmp_path / "run", {}), stop_at)
    assert nothing is None
    again, (_, history) = run(RunFolder(tmp_path / "run", {}))
    assert [call[0] for call in again] == list(range(stop_at, 3)) and history == "history 2"
    # JSON has lists where Python may have tuples.
    assert [call[2] for call in again] == [call[2] for call in whole[stop_at:]]
    assert first == whole[: stop_at + 1]


@pytest.mark.parametrize(
    "given, cells, expected",
    [
        (None, None, [5, 11, 17]),
        (None, 5, [5, 11, 17]),
        (None, 8, [8, 14, 20]),
        (("3", "3", "4"), None, [3, 3, 4]),
    ],
)
def test_cells(given, cells, expected):
    method = stages.with_cells(StageConfig(stage_cells=given), methods.get("p-darts"), cells)
    assert [stage.cells for stage in method.stages] == expected
    assert [stage.keep for stage in method.stages] == [5, 3, None]


def test_a_method_without_stages():
    method = methods.get("darts-v1")
    assert stages.with_cells(StageConfig(), method, 3) == method
    config = StageConfig(stage_cells=("3", "4", "5"))
    with pytest.raises(UserError, match="--stage_cells has no meaning for darts-v1"):
        stages.with_cells(config, method, 3)


@pytest.mark.parametrize("given", [["3", "4"], ["3", "4", "x"], ["3", "4", "2"], ["3", "4", "-5"]])
def test_bad_cells(given):
    with pytest.raises(UserError, match="expected 3 numbers of cells, each at least 3"):
        stages.with_cells(StageConfig(stage_cells=tuple(given)), methods.get("p-darts"), None)
