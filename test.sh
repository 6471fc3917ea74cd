#!/usr/bin/env bash
# Runs all checks and all tests. Everything that they need is installed into .venv first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

bash scripts/make_venv.sh
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
# Tests trace tiny graphs, which takes one core each: two files at a time, one thread each.
export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

echo "== Lint and format"
.venv/bin/ruff check .
.venv/bin/ruff format --check .

# Where there is Bazel, it runs the tests that are not slow and pytest the others, so that each
# runs once; `bazel test //...` by itself runs all.
if command -v bazel > /dev/null; then
  echo "== Tests (Bazel)"
  trap 'bazel shutdown' EXIT
  PYTHON_BIN_PATH="$PWD/.venv/bin/python" bazel test //... --test_arg=-m --test_arg="not slow"
  marks=slow
else
  echo "no bazel on the PATH (Debian: apt-get install bazel-bootstrap); pytest runs all tests"
  marks=""
fi
echo "== Tests (pytest)"
.venv/bin/python -m pytest -rs --durations=15 -n 2 --dist loadfile -m "$marks"
echo "All tests passed."
