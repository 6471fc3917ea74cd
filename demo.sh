#!/usr/bin/env bash
# The main job on scikit-learn's digits: search a cell, train its network from scratch, export it,
# serve it and ask it for one prediction. Everything that this needs is installed into .venv first.
# Another seed: SEED=1 bash demo.sh. Interrupted, it goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

bash scripts/make_venv.sh
readonly seed=${SEED:-0} python=.venv/bin/python
readonly run=runs/digits_seed_$seed

echo "== 1. Search a cell (second-order DARTS)"
$python -m train.search --flagfile=configs/digits_search.flags --seed="$seed" \
  --output_dir="$run/search"

echo "== 2. Train its network from scratch and test it once"
$python -m train.evaluate --flagfile=configs/digits_evaluate.flags --seed="$seed" \
  --genotype="$run/search/genotype.json" --output_dir="$run/evaluate"

echo "== 3. Export it as a SavedModel"
[[ -d $run/model/1 ]] ||
  $python -m train.export --run_dir="$run/evaluate" --output_dir="$run/model"

echo "== 4. Serve it and ask for one prediction"
$python scripts/serve_and_ask.py "$run/model"

echo "The cell: $run/search/cell_normal.svg   Its page: $python -m train.serve --model_dir=$run/model"
