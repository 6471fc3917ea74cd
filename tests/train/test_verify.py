import json
import subprocess
import sys

import pytest

from tests.forks import REPOSITORY
from tests.train.programs import assert_refused, start_all

CASES = {
    "table": ["--only=unrolled: quadratic"],
    "json": ["--only=unrolled: quadratic", "--json"],
    "none": ["--only=no such claim"],
    "kinks": ["--kinks", "--only=unrolled"],
    "kinks and precision": ["--kinks", "--precision"],
}


@pytest.fixture(scope="module")
def started():
    return start_all("train.verify", CASES)


def test_table(started):
    done = started["table"]
    assert done.returncode == 0, done.stderr
    versions, columns, plain, momentum, last = done.stdout.splitlines()
    assert "python 3." in versions and "tensorflow 2." in versions and "keras 3." in versions
    assert columns.split() == ["claim", "expected", "measured", "tolerance"]
    assert " ".join(plain.split()) == (
        "pass unrolled: quadratic 0.04625, 0.085 0.04625, 0.085 1e-11"
    )
    assert momentum.startswith("pass  unrolled: quadratic, momentum and decay ")
    assert last == "2 of 2 claims hold"


def test_json(started):
    done = started["json"]
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] is True and "tensorflow" in report["versions"]
    first, _ = report["claims"]
    assert first["claim"] == "unrolled: quadratic" and first["passed"] is True
    assert first["expected"] == [0.04625, 0.085] and first["tolerance"] == 1e-11
    assert (
        max(abs(m - e) for m, e in zip(first["measured"], first["expected"], strict=True)) < 1e-11
    )


def test_refused(started):
    assert_refused(started["none"], "--only=no such claim: no claim has that in its name")
    for name in ("kinks", "kinks and precision"):
        assert_refused(started[name], "give one of the three")


def test_a_false_claim():
    code = """
import sys
from train import program, verify
from darts_tf import gradients

gradients.register("unrolled", gradients.first_order, replace=True)
sys.argv = ["verify", "--only=quadratic"]
program.run(verify.main)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 1
    expected = ["unrolled: quadratic", "unrolled: quadratic, momentum and decay"]
    expected.append("four levels: quadratic, unrolled, relative error")
    assert done.stderr.splitlines() == [f"failed: {name}" for name in expected]
    assert sum(line.startswith("FAIL ") for line in done.stdout.splitlines()) == 3
    assert done.stdout.splitlines()[-1].endswith("claims hold")
