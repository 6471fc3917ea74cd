"""Runs pytest on the files given, under `bazel test`."""

import os
import sys

import pytest


def main(paths):
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
    return pytest.main(options + paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
