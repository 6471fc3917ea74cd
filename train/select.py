"""Selects the cells of a search again, by one or several selections, without searching again.

    python -m train.select --run_dir=RUN --selection=magnitude,operation_strength,perturbation

reads the last checkpoint of `python -m train.search --output_dir=RUN`, finished or not, and writes
to RUN/selections: for every selection a folder with genotype.json and the pictures of its cells;
selections.png, the cells side by side; selections.json, the table that is printed; report.html,
all of it. The search's own files stay as they are.
"""

import dataclasses
import pathlib
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
from absl import logging

from darts_tf import plots, report, selections
from darts_tf.common import files, json_text
from darts_tf.common.errors import UserError
from darts_tf.genotypes import decidedness
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.shared_weights import one_hot
from darts_tf.supernets import parameter_free
from train import (
    data_flags,
    fields,
    program,
    rates,
    results,
    runs,
    search_setup,
    selection_flags,
)
from train.search_flags import SearchConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class SelectConfig(SearchConfig):
    """Selections of cells from the supernet of a search, and that search."""

    run_dir: str | None = fields.text(None, "The folder that train.search wrote.")
    selection: tuple[str, ...] = fields.words(
        ["magnitude", "operation_strength"],
        f"The selections, separated by commas, of {', '.join(selections.names())}.",
    )

    @classmethod
    def shown(cls) -> list[str]:
        # Data may have moved since; all other settings are those of the search.
        places = ("benchmark_table", "dataset", "data_dir")
        return ["run_dir", "selection", *selection_flags.NAMES, *places]


def main(config: SelectConfig) -> None:
    """Selects, prints the table and writes the files."""
    run_dir = _check_flags(config)
    config = search_setup.of_run(config, run_dir, selection_flags.NAMES)
    table = results.load_table(config, config.space)
    method = config.make_method()
    config, data = data_flags.load(runs.keep_augmentation(config, run_dir))
    description = data.description(trains=False)
    runs.refuse_other_data(config, data, run_dir, description, "run_dir")
    keras.config.set_dtype_policy(config.precision)
    keras.utils.set_random_seed(config.seed)
    search, epoch = search_setup.restore(config, data, rates.of_run(run_dir, method), run_dir)
    validation = search_setup.validation_batches(config, data)
    evaluation = SupernetEvaluation(search.supernet, validation, task=search.task)
    output = files.own_folder(run_dir / "selections")
    genotypes, leads, rows = {}, {}, []
    for name in config.selection:
        genotypes[name], row = _select(config, name, search, data, table, evaluation)
        leads[name] = _leads(name, search, genotypes[name])
        row |= results.decided(leads[name])
        rows.append({"selection": name, "after_epochs": epoch, **row})
        folder = files.make_folder(output / name)
        genotypes[name].save(folder / "genotype.json")
        plots.plot_genotype(genotypes[name], folder, leads=leads[name])
    by_weights = {name: one for name, one in leads.items() if one is not None}
    picture = output / "selections.png"
    plots.plot_selections(genotypes, search.supernet.space, picture, by_weights)
    files.write(output / "data.json", json_text.dumps(description, indent=2) + "\n")
    files.write(output / "selections.json", json_text.dumps(rows, indent=2) + "\n")
    report.write([report.Run(run_dir)], output / "report.html")
    print(_as_table(rows, search.task.objective.name, data.examples))
    print(f"genotypes and pictures are in {output}")


def _check_flags(config: SelectConfig) -> pathlib.Path:
    if not config.run_dir:
        raise UserError("--run_dir is missing; give the folder that train.search wrote")
    run_dir = pathlib.Path(config.run_dir)
    names = config.selection
    for name in names:
        selections.get(name)
    if not names or len(set(names)) < len(names):
        raise UserError(f"--selection={','.join(names)}: expected different names of selections")
    selection_flags.refuse_without_effect(config, names)
    return run_dir


def _select(config: SelectConfig, name, search, data, table, evaluation):
    """The genotype by a selection, and its line of the table."""
    validation, method = search_setup.validation_batches(config, data), search.method
    selection, tuning = selection_flags.get(
        config, name, method, config.seed, search_setup.streams(config, data), search.task
    )
    print(f"\n{name}", flush=True)
    started = time.process_time()
    if isinstance(selection, selections.Progressive):
        outcome = selection.run(search.supernet, validation, search.task)
        genotype, images = outcome.genotype, (outcome.forward, outcome.backward)
    else:
        images = (None, None) if selections.needs_data(selection) else (0, 0)
        genotype = search.genotype(validation, selection)
    seconds = time.process_time() - started
    report = results.report(genotype, data, *config.size(), table)
    # Where no operation has weights of its own, all are alike.
    judged = genotype.cells if search.supernet.edges_learn else {}
    return genotype, {
        "skip_connections": _by_cell(judged, "count_skips"),
        "parameter_free": _by_cell(judged, "count"),
        f"supernet_validation_{search.task.objective.name}": evaluation.objective(
            one_hot(search.supernet.space, genotype)
        ),
        "cost": {
            "cpu_seconds": round(seconds, 1),
            "images_evaluated": images[0],
            "images_differentiated": images[1],
            "fine_tuning_steps": tuning.steps if tuning else 0,
        },
        **report,
    }


def _leads(name, search, genotype):
    """How clearly operation weights chose a genotype, None if they did not; warns of a draw."""
    if selections.needs_data(name) or not search.supernet.architecture_variables:
        return None
    leads = search.leads(genotype)
    if decidedness.is_draw(leads):
        logging.warning("%s: %s. %s", name, decidedness.describe(leads), decidedness.CURE)
    return leads


def _by_cell(cells, what) -> dict[str, int]:
    return {t: getattr(parameter_free, what)(cell) for t, cell in cells.items()}


def _as_table(rows, objective: str, examples: str) -> str:
    """Lines of equal columns."""
    words = objective.replace("_", " ") + "*"
    heads = ["selection", "skips", "parameter-free", "parameters", words, "CPU s", examples]
    columns = list(rows[0].get("benchmark", {}).get("columns", {}))
    cells = [[*heads, *columns]]
    for row in rows:
        cost = row["cost"]
        places = [f"{row['benchmark']['columns'][c]['accuracy']:.2f}" for c in columns]
        cells.append(
            [
                row["selection"],
                "+".join(map(str, row["skip_connections"].values())) or "-",
                "+".join(map(str, row["parameter_free"].values())) or "-",
                f"{row['network']['parameters']:,}",
                f"{row[f'supernet_validation_{objective}']:.4f}",
                f"{cost['cpu_seconds']:.1f}",
                _sum(cost["images_evaluated"], cost["images_differentiated"]),
                *places,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    note = f"* of the selected cells with the supernet's weights, on the validation {examples}"
    return "\n" + "\n".join([*lines, note])


def _sum(first, second) -> str:
    return "-" if first is None else f"{first + second:,}"


if __name__ == "__main__":
    program.run(main)
