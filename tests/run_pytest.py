"""Runs pytest on the files given, under `bazel test`."""

import os
import sys

import pytest


def main(arguments):
    """Returns the exit code of pytest; `arguments` are files and options of pytest."""
    scratch = os.environ["TEST_TMPDIR"]
    # Bazel leaves HOME unset and the home folder read-only; Keras, matplotlib and TensorFlow
    # Datasets keep their settings and caches there.
    os.environ["HOME"] = scratch
    options = [
        "-p",
        "no:cacheprovider",
        f"--basetemp={scratch}/pytest",
        f"--junitxml={os.environ['XML_OUTPUT_FILE']}",
        # Tests that skip say why, in the log of the target.
        "-rs",
    ]
    if os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options += ["-k", os.environ["TESTBRIDGE_TEST_ONLY"]]
    code = pytest.main(options + arguments)
    # A file may hold nothing but the tests that the caller deselected.
    deselected = code == pytest.ExitCode.NO_TESTS_COLLECTED and "-m" in arguments
    return pytest.ExitCode.OK if deselected else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
