import types

import pytest

from darts_tf import methods
from darts_tf.common.errors import UserError
from darts_tf.runs.run_folder import RunFolder
from train import stages
from train.stages import StageConfig


def test_where_the_files_of_a_stage_are():
    method = methods.get("p-darts")
    names = [stages.prefix(number, method) for number in range(3)]
    assert names == ["stage_1/", "stage_2/", ""]
    assert stages.prefix(0, methods.get("darts-v1")) == ""


def test_the_beginning_of_a_stage_writes_down_its_candidates(tmp_path, capsys):
    folder = RunFolder(tmp_path / "run", {})
    search = types.SimpleNamespace(method=methods.get("p-darts"))
    for number, kept in enumerate([None, {"normal": [["none", "skip_connect"]]}]):
        config = {"cells": 5 + 6 * number, "edge_operations": kept}
        search.stage, search.supernet = number, types.SimpleNamespace(get_config=lambda c=config: c)
        stages.begin(folder, search)
        assert folder.file(f"stage_{number + 1}").is_dir()
    assert folder.read_json("stage_1/operations.json") == kept
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "stage 1 of 3: 5 cells; the next stage gets 5 operations of every edge"
    assert said[1].startswith("stage 2 of 3: 11 cells; the next stage gets 3")


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
