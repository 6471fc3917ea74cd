"""Compares cells that grew on a series with fixed ones and other forecasts, all of equal size.

    python -m scripts.compare_forecasts --dataset=exchange_rate.txt.gz

searches chains of two-input nodes by configs/exchange_rate_search.flags: one that grows, and ones
that have so many nodes from the start, for as long as their validation loss becomes smaller. Then
it trains each found cell, the published cell RNN_DARTS_V2, an LSTM and a GRU from scratch by
configs/exchange_rate_evaluate.flags, with equally many weights. A seed is a search and a training.
Repeating the last value and a vector autoregression (statsmodels) have no seeds.

Every run stays in --runs; started again, the program goes on where it stopped. It writes to
--output: comparison.json, comparison.md, a line a forecast with mean and standard deviation over
the seeds, and comparison.png. After every seed they are written anew.
"""

import dataclasses
import json
import pathlib
import statistics

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
from absl import flags
from matplotlib.figure import Figure

from darts_tf.common import files
from darts_tf.common.errors import UserError
from darts_tf.networks import forecast_baselines
from darts_tf.plots import style
from scripts import comparisons
from scripts.comparisons import result, with_deviation
from scripts.finished_runs import finish
from train import evaluate, fields, program
from train.config import Config
from train.data_flags import TaskConfig
from train.evaluate import EvaluationConfig
from train.series import Series

#: Found cell -> the rule of its search beside the patience of the flag file.
SEARCHES = {"growing": "", "2 nodes": ",nodes=2,stages=1", "4 nodes": ",nodes=4,stages=1"}
KNOWN = {"RNN_DARTS_V2": "RNN_DARTS_V2", "LSTM": "lstm", "GRU": "gru"}
_FLAGS = "configs/exchange_rate_{}.flags"
_PATIENCE = "--rule_options=patience=3"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareConfig(Config):
    """The series, how far ahead it is foretold, and where the results go."""

    dataset: str | None = fields.text(None, "The series, such as exchange_rate.txt.gz of LSTNet.")
    seeds: int = fields.integer(5, "Searches and trainings of each cell.", lower_bound=1)
    horizons: tuple[str, ...] = fields.words(
        ["1"], "How far ahead is foretold; cells are searched for the first one."
    )
    runs: str = fields.text("runs/forecasting", "Where the runs are kept.")
    output: str = fields.text("results/forecasting", "The folder to write to.")


def main(config: CompareConfig) -> None:
    """Runs what is not finished, then writes the comparison."""
    if not config.dataset:
        raise UserError("--dataset is missing; give the file of the series")
    if not all(horizon.isdigit() and int(horizon) for horizon in config.horizons):
        raise UserError(f"--horizons={','.join(config.horizons)}: expected numbers from 1")
    output = files.make_folder(pathlib.Path(config.output))
    without = {h: _without_networks(config, h) for h in map(int, config.horizons)}
    for seed in range(config.seeds):
        for name in SEARCHES:
            _search(config, name, seed)
        for horizon in without:
            for name in (*SEARCHES, *KNOWN):
                _train(config, name, horizon, seed)
        rows = [
            row
            for horizon, known in without.items()
            for row in (*known, *_networks(config, horizon, seed + 1))
        ]
        files.write(output / "comparison.json", json.dumps(rows, indent=2) + "\n")
        files.write(output / "comparison.md", _as_table(rows))
        _draw([row for row in rows if row["horizon"] == min(without)], output / "comparison.png")
    print((output / "comparison.md").read_text(), end="")


def _folder(config, kind, name, seed) -> pathlib.Path:
    return pathlib.Path(config.runs) / f"{kind}_{name.replace(' ', '_')}_seed_{seed}"


def _search(config, name, seed) -> None:
    """Searches in a process of its own, whose memory ends with it."""
    words = [f"--flagfile={_FLAGS.format('search')}", f"--dataset={config.dataset}"]
    words += [_PATIENCE + SEARCHES[name], f"--horizon={config.horizons[0]}", f"--seed={seed}"]
    finish("search", _folder(config, "search", name, seed), *words)


def _train(config, name, horizon, seed) -> None:
    folder = _folder(config, f"horizon_{horizon}", name, seed)
    if (folder / "result.json").exists():
        return
    genotype = KNOWN.get(name, _folder(config, "search", name, seed) / "genotype.json")
    words = [f"--flagfile={_FLAGS.format('evaluate')}", f"--dataset={config.dataset}"]
    words += [f"--genotype={genotype}", f"--horizon={horizon}"]
    words += [f"--seed={seed}", f"--output_dir={folder}"]
    print(folder, flush=True)
    # Flags of a file become words, as on a command line.
    evaluate.main(EvaluationConfig.from_words(flags.FlagValues().read_flags_from_files(words)))
    keras.backend.clear_session()


def _without_networks(config, horizon: int) -> list[dict]:
    """Rows of forecasts that need no training."""
    words = [f"--flagfile={_FLAGS.format('evaluate')}"]
    words = flags.FlagValues().read_flags_from_files(words)
    words = [word for word in words if word.split("=")[0] in ("--task", "--window")]
    words += [f"--dataset={config.dataset}", f"--horizon={horizon}"]
    _, data = Series.load(TaskConfig.from_words(words))
    series, test = data.series, data.test
    forecasts = {"last value": forecast_baselines.last_value(series, test)}
    found, order = forecast_baselines.vector_autoregression(series, test, "bic")
    forecasts[f"VAR, {order} lags"] = found
    task, targets = data.task("forecasting"), series.targets(test)
    return [
        {"name": name, "horizon": horizon, "test_rse": [task.measure(targets, forecast)["rse"]]}
        for name, forecast in forecasts.items()
    ]


def _networks(config, horizon: int, seeds: int) -> list[dict]:
    rows = []
    for name in (*SEARCHES, *KNOWN):
        kind = f"horizon_{horizon}"
        trained = [result(_folder(config, kind, name, seed)) for seed in range(seeds)]
        row = {"name": name, "horizon": horizon}
        for key in ("test_rse", "parameters", "units", "best_epoch", "train_seconds"):
            row[key] = [run[key] for run in trained]
        if name in SEARCHES:
            found = [result(_folder(config, "search", name, seed)) for seed in range(seeds)]
            row["search_epochs"] = [run["epochs"] for run in found]
            row["search_seconds"] = [run["wall_seconds_of_last_start"] for run in found]
            row["nodes"] = [_nodes(config, name, seed) for seed in range(seeds)]
        rows.append(row)
    return rows


def _nodes(config, name, seed) -> int:
    path = _folder(config, "search", name, seed) / "genotype.json"
    return len(json.loads(path.read_text())["cells"]["recurrent"]["nodes"])


def _as_table(rows) -> str:
    titles = ["horizon", "forecast", "test RSE", "/ last value", "nodes", "weights"]
    last = {row["horizon"]: row["test_rse"][0] for row in rows if row["name"] == "last value"}
    lines = []
    for row in rows:
        errors = row["test_rse"]
        lines.append(
            [
                str(row["horizon"]),
                row["name"],
                with_deviation(errors, ".5f"),
                f"{statistics.mean(errors) / last[row['horizon']]:.3f}",
                ", ".join(map(str, row.get("nodes", []))),
                f"{round(statistics.mean(row['parameters'])):,}" if "parameters" in row else "",
                with_deviation(row.get("search_seconds", []), ".0f"),
                with_deviation(row.get("train_seconds", []), ".0f"),
            ]
        )
    return comparisons.as_markdown([*titles, "search, s", "training, s"], lines)


def _draw(rows, path) -> None:
    """A dot for every seed, a line for the mean."""
    with style.context():
        figure = Figure(figsize=(6.5, 3.6), layout="constrained")
        axes = figure.subplots()
        for number, row in enumerate(rows):
            errors = row["test_rse"]
            axes.plot(errors, [number] * len(errors), "o", color=style.BLUE, alpha=0.6)
            mean = statistics.mean(errors)
            axes.plot([mean, mean], [number - 0.3, number + 0.3], color=style.VERMILION)
        axes.axvline(rows[0]["test_rse"][0], color=style.GREY, linewidth=0.8)
        axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("RSE of the test part; smaller is better")
        axes.set_title(f"Forecasts {rows[0]['horizon']} ahead", fontsize=11, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        style.save(figure, path)


if __name__ == "__main__":
    program.run(main)
