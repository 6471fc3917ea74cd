#!/usr/bin/env bash
# Runs all checks and tests; with --all also those that repeat at length what quicker ones show, as
# more methods in a whole search, and claims of `train.verify`. Everything that they need is
# installed into .venv first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
case ${1-} in
  "") tests=(-m "not thorough") ;;
  --all) tests=() ;;
  *) echo "error: unknown argument '$1'; there is --all" >&2; exit 2 ;;
esac

# Many processes import the same modules here: bytecode is kept, whatever the environment says.
unset PYTHONDONTWRITEBYTECODE
bash scripts/make_venv.sh
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
# Tests trace tiny graphs, which takes one core each, and wait for processes and clocks: three files
# at a time for two cores, one thread each.
export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

echo "== Lint and format"
.venv/bin/ruff check .
.venv/bin/ruff format --check .

# Where there is Bazel, it builds all and tests the targets that depend on one part of the package;
# `bazel test //...` by itself runs everything. pytest runs the tests in three processes, because
# each target's process would import TensorFlow anew.
if command -v bazel > /dev/null; then
  echo "== Build and tests (Bazel)"
  trap 'bazel shutdown' EXIT
  export PYTHON_BIN_PATH="$PWD/.venv/bin/python"
  bazel build //...
  bazel test //:test_plots //:test_spaces --test_arg=-m --test_arg="not slow"
else
  echo "no bazel on the PATH (Debian: apt-get install bazel-bootstrap)"
fi
echo "== Tests (pytest)"
# Where a process dies the run ends: pytest-xdist would start another one and then wait for ever.
.venv/bin/python -m pytest -q -rs --durations=25 -n 3 --dist loadfile --no-loadscope-reorder \
  --max-worker-restart=0 "${tests[@]}"
echo "All tests passed."
