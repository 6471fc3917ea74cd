"""A process of pytest that ends within a test fails the run, soon, and says where it did."""

import re
import subprocess
import sys

import pytest

from tests.forks import REPOSITORY

SOURCE = """
import faulthandler, os, pytest, time

@pytest.mark.parametrize("number", range(4))
def test_one(number):
    time.sleep(0.1)
    if number == 1 and {ends}:
        {how}
"""


def options() -> list[str]:
    """Those that test.sh runs several processes with."""
    words = (REPOSITORY / "test.sh").read_text().split("-m pytest", 1)[1]
    found = re.findall(r"-n \d+|--\S*(?:dist|worker|loadscope)\S*(?: loadfile)?", words)
    return " ".join(found).split()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("os._exit(0)", r"os\._exit\(0\) in test_1\.py::test_one\[1\] \(call\)\n"),
        ("faulthandler._sigsegv()", "Fatal Python error: Segmentation fault\n"),
    ],
)
def test_an_end_within_a_test(how, message, tmp_path):
    (tmp_path / "conftest.py").write_text("from tests.endings import pytest_configure\n")
    for number in range(4):
        source = SOURCE.format(ends=number == 1, how=how)
        (tmp_path / f"test_{number}.py").write_text(source)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {REPOSITORY}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options(), "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert re.search(message, done.stderr), done.stderr
    assert re.search(r'File ".*test_1\.py", line \d+ in test_one', done.stderr)
    assert "crashed while running 'test_1.py::test_one[1]'" in done.stdout
