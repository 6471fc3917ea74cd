#!/usr/bin/env bash
# Searches digits by score function, RELAX, RAM and first-order DARTS, trains the cells that were
# found from scratch with three seeds each, and writes results/unbiased: curves.png, summary.json,
# and each search's metrics and genotype.
#   bash scripts/measure_unbiased.sh
# Every run is kept in RUNS (default runs/unbiased); started again, it goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly python=${PYTHON:-.venv/bin/python} runs=${RUNS:-runs/unbiased}
# Processor time per step is compared, so that every search has one thread.
export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
methods=(darts-v1 sf relax ram)
for method in "${methods[@]}"; do
  $python -m train.search --flagfile=configs/unbiased_search.flags --method="$method" \
    --output_dir="$runs/$method/search"
done
for seed in 0 1 2; do
  for method in "${methods[@]}"; do
    $python -m train.evaluate --flagfile=configs/unbiased_evaluate.flags --seed="$seed" \
      --genotype="$runs/$method/search/genotype.json" --output_dir="$runs/$method/evaluate_$seed"
  done
done
$python scripts/unbiased_figures.py "$runs" results/unbiased
