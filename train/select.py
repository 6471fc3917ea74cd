"""Selects the cells of a search again, by one or several selections, without searching again.

    python -m train.select --run_dir=RUN --selection=magnitude,operation_strength,perturbation

reads the last checkpoint of `python -m train.search --output_dir=RUN`, finished or not, and writes
to RUN/selections: for every selection a folder with genotype.json and the pictures of its cells;
selections.png, the cells side by side; selections.json, the table that is printed. The search's
own files stay as they are.
"""

import json
import pathlib
import time

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import baselines, methods, selections
from darts_tf.errors import UserError
from train import batch_sizes, data_flags, found, program, search_flags, searching, selection_flags

flags.adopt_module_key_flags(selection_flags)
flags.adopt_module_key_flags(found)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "The folder that train.search wrote.")
_SELECTIONS = flags.DEFINE_list(
    "selection",
    ["magnitude", "operation_strength"],
    f"The selections, separated by commas, of {', '.join(selections.names())}.",
)
# These may have moved since, and decide nothing; all other settings are those of the search.
flags.declare_key_flag("data_dir")
_OF_THIS_PROGRAM = {"data_dir", "benchmark_table", *(flag.name for flag in selection_flags.FLAGS)}


def main() -> None:
    """Selects, prints the table and writes the files."""
    run_dir = _check_flags()
    _take_settings(run_dir)
    table = found.load_table(search_flags.SPACE.value)
    method = search_flags.method()

    import keras

    from darts_tf import plots
    from darts_tf.run_folder import write_file
    from darts_tf.selections.evaluation import SupernetEvaluation

    data = data_flags.load()
    keras.config.set_dtype_policy(search_flags.PRECISION.value)
    keras.utils.set_random_seed(data_flags.SEED.value)
    search, epoch = _restore(data, method, run_dir)
    evaluation = SupernetEvaluation(search.supernet, searching.validation_batches(data))
    output = run_dir / "selections"
    genotypes, rows = {}, []
    for name in _SELECTIONS.value:
        genotypes[name], row = _select(name, search, data, table, evaluation)
        rows.append({"selection": name, "after_epochs": epoch, **row})
        folder = output / name
        folder.mkdir(parents=True, exist_ok=True)
        genotypes[name].save(folder / "genotype.json")
        plots.plot_genotype(genotypes[name], folder)
    plots.plot_selections(genotypes, search.supernet.space, output / "selections.png")
    write_file(output / "selections.json", json.dumps(rows, indent=2) + "\n")
    print(_as_table(rows))
    print(f"genotypes and pictures are in {output}")


def _check_flags() -> pathlib.Path:
    if not _RUN_DIR.value:
        raise UserError("--run_dir is missing; give the folder that train.search wrote")
    run_dir = pathlib.Path(_RUN_DIR.value)
    if not (run_dir / "config.json").exists():
        raise UserError(f"--run_dir={run_dir} holds no config.json; give a folder of train.search")
    names = _SELECTIONS.value
    for name in names:
        selections.get(name)
    if not names or len(set(names)) < len(names):
        raise UserError(f"--selection={','.join(names)}: expected different names of selections")
    selection_flags.refuse_without_effect(names)
    return run_dir


def _take_settings(run_dir: pathlib.Path) -> None:
    """Gives the search's flags the values that they had in the search."""
    try:
        config = json.loads((run_dir / "config.json").read_text())
    except ValueError as error:
        raise UserError(f"cannot read {run_dir / 'config.json'}: {error}") from error
    if config.get("program") != "search":
        raise UserError(f"--run_dir={run_dir} is no folder of train.search")
    if config["method"] in baselines.BASELINES or not methods.get(config["method"]).trains:
        raise UserError(
            f"--run_dir={run_dir} is a search by {config['method']}, which has no supernet to "
            "select from"
        )
    own = {flag.name for flag in selection_flags.FLAGS}
    for name, value in config.items():
        if name not in flags.FLAGS or name in own:
            continue
        if not flags.FLAGS[name].present:
            flags.FLAGS[name].value = value
        elif name not in _OF_THIS_PROGRAM:
            raise UserError(f"--{name} is a setting of the search and is taken from --run_dir")
    if (chosen := batch_sizes.settled(run_dir)) is not None:
        search_flags.BATCH_SIZE.value = chosen


def _restore(data, method, run_dir):
    """The search with the supernet of its last checkpoint, and after how many epochs that is."""
    from darts_tf.checkpoints import Checkpoints

    options, cells = {}, search_flags.size()[1]
    if method.stages:
        stage = method.stages[-1]
        kept = run_dir / f"stage_{len(method.stages) - 1}" / "operations.json"
        if not kept.exists():
            raise UserError(f"--run_dir={run_dir}: the last stage of the search has not begun")
        options = {
            "edge_operations": json.loads(kept.read_text()),
            "skip_dropout": stage.skip_dropout > 0,
        }
        method, cells = method.of_stage(stage), stage.cells
    search = searching.make(data, method, cells, **options)
    checkpoints = Checkpoints(run_dir / "checkpoints", {"supernet": search.supernet.variables})
    epoch, step = checkpoints.restore(part=True)
    if not epoch and not step:
        raise UserError(f"--run_dir={run_dir} has no checkpoint yet; let the search run longer")
    after = f" and {step} steps" if step else ""
    print(f"supernet after {epoch} epochs{after}", flush=True)
    return search, epoch


def _select(name, search, data, table, evaluation):
    """The genotype by a selection, and its line of the table."""
    from darts_tf.selections.shared_weights import one_hot

    validation, method = searching.validation_batches(data), search.method
    selection, tuning = selection_flags.get(
        name, method, data_flags.SEED.value, searching.streams(data)
    )
    print(f"\n{name}", flush=True)
    started = time.process_time()
    if isinstance(selection, selections.Progressive):
        outcome = selection.run(search.supernet, validation)
        genotype, images = outcome.genotype, (outcome.forward, outcome.backward)
    else:
        images = (None, None) if selections.needs_data(selection) else (0, 0)
        genotype = search.genotype(validation, selection)
    seconds = time.process_time() - started
    report = found.report(genotype, data, *search_flags.size(), table)
    return genotype, {
        "skip_connections": _by_cell(genotype, "count_skips"),
        "parameter_free": _by_cell(genotype, "count"),
        "supernet_validation_accuracy": evaluation.accuracy(
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


def _by_cell(genotype, what) -> dict[str, int]:
    from darts_tf import parameter_free

    return {t: getattr(parameter_free, what)(cell) for t, cell in genotype.cells.items()}


def _as_table(rows) -> str:
    """Lines of equal columns."""
    heads = ["selection", "skips", "parameter-free", "parameters", "accuracy*", "CPU s", "images"]
    columns = list(rows[0].get("benchmark", {}).get("columns", {}))
    cells = [[*heads, *columns]]
    for row in rows:
        cost = row["cost"]
        places = [f"{row['benchmark']['columns'][c]['accuracy']:.2f}" for c in columns]
        cells.append(
            [
                row["selection"],
                "+".join(map(str, row["skip_connections"].values())),
                "+".join(map(str, row["parameter_free"].values())),
                f"{row['network']['parameters']:,}",
                f"{row['supernet_validation_accuracy']:.4f}",
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
    note = "* of the selected cells with the supernet's weights, on the validation images"
    return "\n" + "\n".join([*lines, note])


def _sum(first, second) -> str:
    return "-" if first is None else f"{first + second:,}"


if __name__ == "__main__":
    program.run(main)
