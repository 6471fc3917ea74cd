"""A few of the command lines of scripts/hostile_command_lines.py, which is for all of them."""

import pytest

from scripts import hostile_command_lines, hostile_files, hostile_lines


def _chosen(line) -> bool:
    """One of every kind: a number, files, a folder that would be left behind, a run."""
    ends = "--space=s2 --seed=99999999999999999999", "export_digits", "/fifo.npz", "run_nested"
    return " ".join(line.arguments).endswith((*ends, "--cost_weight=nan"))


@pytest.mark.slow
def test_a_few(tmp_path):
    files = hostile_files.write_files(tmp_path)
    found = [x for x in hostile_lines.lines(files, tmp_path / "out") if _chosen(x)]
    assert len(found) == 6
    for number, line in enumerate(found):
        assert hostile_command_lines.check(line, tmp_path, number, 120) == [], line
    assert not (tmp_path / "out").exists()


def test_judge():
    line = hostile_lines.Line("train.search", [], "--epochs")
    judge = hostile_command_lines.judge
    log = "digits has no test part\n"
    assert judge(line, 2, f"{log}error: --epochs=0: expected a number from 1\n") == []
    assert judge(line, 1, "error: --epochs=0\n") == ["exit code 1"]
    assert len(judge(line, 2, "Traceback\n  ...\nValueError: --epochs\n")) == 1
    assert len(judge(line, 2, "error: another flag\n")) == 1
    assert len(judge(line, 2, f"error: --epochs=0\n{log}")) == 1
    assert len(judge(line, 2, f"Traceback\n{log}error: --epochs=0\n")) == 1
    assert len(judge(line, 2, 2 * "error: --epochs=0\n")) == 1
