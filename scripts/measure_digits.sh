#!/usr/bin/env bash
# The figures of docs/results.md on digits: searches a cell and trains its network, for each METHOD:SEED.
#   bash scripts/measure_digits.sh darts-v2:0 darts-v2:1 darts-v2:2 darts-v1:0
# Every run is kept in runs/measure_digits; started again, it goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly python=${PYTHON:-.venv/bin/python}
for pair in "$@"; do
  method=${pair%:*} seed=${pair#*:} run=runs/measure_digits/${pair/:/_seed_}
  $python -m train.search --flagfile=configs/digits_search.flags --method="$method" \
    --seed="$seed" --output_dir="$run/search"
  $python -m train.evaluate --flagfile=configs/digits_evaluate.flags --seed="$seed" \
    --genotype="$run/search/genotype.json" --output_dir="$run/evaluate"
done

$python - <<'END'
import json, pathlib

print("method, seed: test accuracy, parameters, seconds of the search, of the training")
for folder in sorted(pathlib.Path("runs/measure_digits").iterdir()):
    search, evaluate = (
        json.loads((folder / part / "result.json").read_text()) for part in ("search", "evaluate")
    )
    print(
        f"{folder.name}: {evaluate['test_accuracy']:.4f}, {evaluate['parameters']:,}, "
        f"{search['epoch_seconds']:.0f}, {evaluate['train_seconds']:.0f}"
    )
END
