#!/usr/bin/env bash
# Kills a tiny search at random moments (default: 20 times) and starts it again each time.
#   bash scripts/kill_search.sh 20
# It reads its images from disk, and fails unless it goes on every time and ends bit for bit as an
# uninterrupted one that has them in memory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
${PYTHON:-.venv/bin/python} -c "from tests import killed_search; killed_search.main(${1:-20})"
