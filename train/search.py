"""Searches a cell.

    python -m train.search --method=darts-v2 --dataset=digits --output_dir=RUN

writes to RUN: genotype.json, the cell that was found; best_genotype.json, the cell at the epoch
whose supernet was best on the validation images; cell_normal and cell_reduce as .svg and .png;
operation_weights.png, which operation won on which edge and when; entropy.png, how undecided the
search was; history.png; collapse.png, how much of the cells learns nothing; metrics.jsonl;
TensorBoard logs; checkpoints. Started again with the same settings it goes on where it stopped.

The methods random and aging-evolution train one network after the other instead of a supernet, and
write them to candidates.jsonl. The method te-nas trains nothing: it writes the cell, its pictures
and result.json, and begins again when it is started again before it has ended.
"""

import dataclasses
import signal
import sys
import time

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras

from darts_tf import genotypes, gradients, plots, selections, tasks
from darts_tf.common.errors import UserError
from darts_tf.runtime import distribution
from darts_tf.search import callbacks
from darts_tf.search.collapse_monitor import CollapseMonitor
from train import (
    baseline_search,
    batch_sizes,
    data_flags,
    program,
    rates,
    reports,
    results,
    runs,
    search_changes,
    search_checks,
    search_setup,
    selection_flags,
    stages,
    step_costs,
    strategies,
)
from train.search_flags import SearchConfig
from train.strategies import DeviceConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributedSearchConfig(SearchConfig, DeviceConfig):
    """A search, and the devices that it runs on."""


def main(config: DistributedSearchConfig) -> None:
    """Runs a search."""
    config = config.of_task()
    if not config.output_dir:
        raise UserError("--output_dir is missing; give the folder that the search writes to")
    method = config.make_method()
    search_checks.check(config, method)
    table = results.load_table(config, config.space)
    started = time.perf_counter()
    batch_sizes.check(config)
    automatic = config.batch_size == "auto"
    strategy = strategies.get(config, None if automatic else config.batch_size)
    keras.config.set_dtype_policy(config.precision)
    config, data = data_flags.load(runs.keep_augmentation(config, config.output_dir))
    if not automatic:
        _check_batches(config, data, method)
    folder = runs.open_folder(
        config,
        config.decisive(),
        data,
        search_changes.changeable(config, method),
        trains=method.trains or not method.has_supernet,
        writes=distribution.is_chief(strategy),
    )
    if folder.finished:
        _say_finished(config, folder, data, table)
        return
    config = batch_sizes.settle(config, folder, data, method, strategy.num_replicas_in_sync)
    keras.utils.set_random_seed(config.seed)
    leads = None
    with strategy.scope():
        if not method.has_supernet:
            _refuse_replicas(config, strategy)
            genotype, result = baseline_search.run(config, data, folder, method)
        elif not method.trains:
            _refuse_replicas(config, strategy)
            genotype, result = _select_untrained(config, data, method)
        else:
            search, history = _run(config, data, method, folder)
            genotype, result = _result(config, search, data, folder, history)
            leads = search.leads() if search.selects_by_weights else None
    result |= results.decided(leads)
    seconds = time.perf_counter() - started
    result |= results.report(genotype, data, *config.size(), table) | runs.provenance(folder, data)
    result |= {"wall_seconds_of_last_start": round(seconds, 1), **runs.memory()}
    results.write(genotype, folder, result, leads)
    draw = ", which is close to a draw" if result.get("close_to_a_draw") else ""
    print(
        f"found a cell in {seconds:.0f} s{draw}; genotype and pictures are in {config.output_dir}"
    )


def _check_batches(config: SearchConfig, data, method) -> None:
    """Refuses a batch that is larger than a part of the data, before a supernet is built."""
    if method.has_supernet and not method.trains:
        search_setup.validation_batches(config, data)
        return
    train, validation = search_setup.streams(config, data)
    train(0)
    if method.has_supernet:
        validation(0)


def _say_finished(config: SearchConfig, folder, data, table) -> None:
    """A table that was given later than the search ended shows the found cell's place too."""
    print(f"this search is finished; see {folder.path}")
    if table is not None:
        genotype = genotypes.get(str(folder.file("genotype.json")))
        result = folder.read_json("result.json")
        result |= results.report(genotype, data, *config.size(), table)
        folder.write_json("result.json", result)
        reports.write(folder)


def _refuse_replicas(config: SearchConfig, strategy):
    if strategy.num_replicas_in_sync > 1:
        raise UserError(f"--method={config.method} runs on one device; add --distribute=none")


def _select_untrained(config: SearchConfig, data, method):
    """The genotype by a selection that needs no search, and what is written down about it."""
    started = time.process_time()
    genotype = selections.get(method.selection).of_space(
        data.space(config.space),
        data.num_classes,
        search_setup.validation_batches(config, data),
        config.seed,
    )
    seconds = round(time.process_time() - started, 1)
    return genotype, {"method": method.name, "cpu_seconds": seconds}


def _run(config: SearchConfig, data, method, folder):
    """Searches; returns the search and the history of its last stage."""
    method = rates.settle(folder, method, config.epochs, _steps(config, data))
    search = search_setup.make(config, data, method)
    return search, _fit(config, search, data, folder)


def _steps(config: SearchConfig, data) -> int:
    """Batches of an epoch."""
    return int(search_setup.streams(config, data)[0](0).cardinality())


def _fit(config: SearchConfig, search, data, folder):
    def of_stage(number):
        if search.method.stages:
            stages.begin(folder, search)
        search_setup.describe(search)
        step_costs.tell(search, config.batch_size, config.accumulate_steps)
        prefix = stages.prefix(number, search.method)
        return [
            callbacks.MetricsLog(folder.file(f"{prefix}metrics.jsonl"), search),
            callbacks.OperationWeightsLog(search, folder.file(f"{prefix}operation_weights.npz")),
            callbacks.TensorBoard(folder.file(f"{prefix}tensorboard"), search),
            reports.EachEpoch(folder),
            callbacks.TimeLeft(["loss", *_shown(search.task), "entropy"]),
        ]

    files = callbacks.EachStage(search, of_stage)
    with program.stopping(search.stop, lambda: search.interruptible) as signals:
        search.fit(
            *search_setup.streams(config, data),
            config.epochs,
            callbacks=[CollapseMonitor(search, config.eigenvalue_every), files],
            verbose=0,
            checkpoint_dir=folder.checkpoints,
            keep_checkpoints=config.keep_checkpoints,
        )
    # Of several workers one alone may have got the signal: the others stop with it.
    if signals or search.stopped_at:
        epoch, step = search.stopped_at or (len(search.stages) * config.epochs - 1, "last")
        print(
            f"stopped in epoch {epoch + 1} after step {step}; the same command goes on from there"
        )
        sys.exit(128 + (signals or [signal.SIGTERM])[0])
    return files.callbacks[0].records


def _shown(task: tasks.Task) -> list[str]:
    """The names in a line about an epoch, besides the loss and the entropy."""
    names = [metric.name for metric in task.metrics()]
    return [*names, f"val_{task.objective.name}"]


def _genotype(config: SearchConfig, search, data):
    """The discrete cells; a selection that evaluates architectures sees the validation images."""
    method = search.method
    selection, epochs = selection_flags.chosen(config, method.selection, method, config.seed)
    if not isinstance(selection, selections.Progressive):
        selection, epochs = baseline_search.with_samples(config, selection), None
    validation = search_setup.validation_batches(config, data)
    return search.genotype(validation, selection, fine_tune_epochs=epochs)


def _result(config: SearchConfig, search, data, folder, history):
    """The genotype that was found and what is written down about the search."""
    mixture = callbacks.OperationWeightsLog(search, folder.file("operation_weights.npz")).read()
    space = search.supernet.space
    # A search that grows may have returned to a smaller supernet, whose edges are the first ones.
    # The picture ends with the epoch of that, so that it shows why the cell is what it is.
    mixture = {
        name: values[: search.returned_to, : len(space.edges), : len(space.operations)]
        for name, values in mixture.items()
    }
    title = f"Search on {data.name} with {search.method.name}"
    curves = search.task.curves()
    plots.plot_history(history, folder.file("history.png"), title, curves)
    plots.plot_entropy(history, search.supernet.space, folder.file("entropy.png"))
    plots.plot_collapse(history, folder.file("collapse.png"))
    objective, best = search.task.objective.name, {}
    if search.best is not None:
        search.best.genotype.save(folder.file("best_genotype.json"))
        best = {
            "best_epoch": search.best.epoch,
            f"best_supernet_validation_{objective}": search.best.value,
        }
    genotype = _genotype(config, search, data)
    picture = folder.file("operation_weights.png")
    plots.plot_operation_weights(mixture, space, picture, genotype)
    return genotype, {
        "method": search.method.name,
        "hypergradient": gradients.label(search.method.gradient),
        "epochs": len(history),
        **({"returned_to_epoch": search.returned_to} if search.returned_to else {}),
        f"supernet_validation_{objective}": history[-1][f"val_{objective}"],
        **best,
        "entropy": history[-1]["entropy"],
        "epoch_seconds": history[-1]["seconds"],
    }


if __name__ == "__main__":
    program.run(main)
