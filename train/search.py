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

import sys
import time

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import baselines, genotypes, gradients, spaces
from darts_tf.common.errors import UserError
from darts_tf.runtime import distribution
from train import (
    baseline_search,
    batch_sizes,
    data_flags,
    found,
    program,
    rates,
    runs,
    search_changes,
    search_flags,
    searching,
    selection_flags,
    stages,
    strategies,
)

# They stand in --help.
flags.adopt_module_key_flags(search_flags)
flags.adopt_module_key_flags(data_flags)
flags.adopt_module_key_flags(strategies)
flags.adopt_module_key_flags(baseline_search)
flags.adopt_module_key_flags(found)
flags.adopt_module_key_flags(stages)
flags.adopt_module_key_flags(selection_flags)


def main() -> None:
    """Runs the search that the flags describe."""
    if not search_flags.OUTPUT_DIR.value:
        raise UserError("--output_dir is missing; give the folder that the search writes to")
    method = search_flags.method()
    if method is None:
        baseline_search.check(search_flags.only_gradient_flags())
    else:
        baseline_search.refuse_flags(method)
        selection_flags.refuse_without_effect([method.selection])
        if not method.trains:
            search_flags.refuse_training_flags()
        search_flags.check_cost()
    table = found.load_table(search_flags.SPACE.value)

    import keras

    started = time.perf_counter()
    batch_sizes.check()
    automatic = search_flags.BATCH_SIZE.value == "auto"
    strategy = strategies.get(None if automatic else search_flags.BATCH_SIZE.value)
    keras.config.set_dtype_policy(search_flags.PRECISION.value)
    runs.keep_augmentation(search_flags.OUTPUT_DIR.value)
    data = data_flags.load()
    trains = method is None or method.trains
    if not automatic:
        _check_batches(data, method)
    folder = runs.open_folder(
        search_flags.OUTPUT_DIR.value,
        search_flags.config(),
        data,
        data_flags.augmentation(data) if trains else None,
        search_changes.changeable(method),
        writes=distribution.is_chief(strategy),
    )
    if folder.finished:
        _say_finished(folder, data, table)
        return
    batch_sizes.settle(folder, data, method, strategy.num_replicas_in_sync)
    keras.utils.set_random_seed(data_flags.SEED.value)
    leads = None
    with strategy.scope():
        if method is None:
            _refuse_replicas(strategy)
            genotype, result = _train_candidates(data, folder)
        elif not method.trains:
            _refuse_replicas(strategy)
            genotype, result = _select_untrained(data, method)
        else:
            search, history = _run(data, method, folder)
            genotype, result = _result(search, data, folder, history)
            leads = search.leads() if search.selects_by_weights else None
    result |= found.decided(leads)
    seconds = time.perf_counter() - started
    result |= found.report(genotype, data, *search_flags.size(), table) | runs.provenance(folder)
    result["wall_seconds_of_last_start"] = round(seconds, 1)
    found.write(genotype, folder, result, leads)
    where = search_flags.OUTPUT_DIR.value
    draw = ", which is close to a draw" if result.get("close_to_a_draw") else ""
    print(f"found a cell in {seconds:.0f} s{draw}; genotype and pictures are in {where}")


def _check_batches(data, method) -> None:
    """Refuses a batch that is larger than a part of the data, before a supernet is built."""
    if method is not None and not method.trains:
        searching.validation_batches(data)
        return
    train, validation = searching.streams(data)
    train(0)
    if method is not None:
        validation(0)


def _say_finished(folder, data, table) -> None:
    """A table that was given later than the search ended shows the found cell's place too."""
    print(f"this search is finished; see {folder.path}")
    if table is not None:
        genotype = genotypes.get(str(folder.file("genotype.json")))
        result = folder.read_json("result.json")
        result |= found.report(genotype, data, *search_flags.size(), table)
        folder.write_json("result.json", result)


def _refuse_replicas(strategy):
    if strategy.num_replicas_in_sync > 1:
        raise UserError(
            f"--method={search_flags.METHOD.value} runs on one device; add --distribute=none"
        )


def _train_candidates(data, folder):
    """A search without a supernet: the genotype, and what is written down about the search."""
    channels, cells = search_flags.size()
    return baseline_search.run(
        baselines.get(search_flags.METHOD.value),
        spaces.get(search_flags.SPACE.value),
        data,
        folder,
        channels=channels,
        cells=cells,
        batch_size=search_flags.BATCH_SIZE.value,
        train_portion=search_flags.TRAIN_PORTION.value,
        learning_rate=search_flags.positive(search_flags.WEIGHT_LEARNING_RATE),
    )


def _select_untrained(data, method):
    """The genotype by a selection that needs no search, and what is written down about it."""
    from darts_tf import selections

    started = time.process_time()
    genotype = selections.get(method.selection).of_space(
        spaces.get(search_flags.SPACE.value),
        data.num_classes,
        searching.validation_batches(data),
        data_flags.SEED.value,
    )
    seconds = round(time.process_time() - started, 1)
    return genotype, {"method": method.name, "cpu_seconds": seconds}


def _run(data, method, folder):
    """Searches, in stages where the method has them; returns the last search and its history."""
    import keras

    method = rates.settle(folder, method, search_flags.EPOCHS.value, _steps(data))
    if not method.stages:
        search = searching.make(data, method, search_flags.size()[1])
        return search, _fit(search, data, folder)

    def search_stage(method, stage, number, edge_operations, prefix):
        # Whether the stage before was searched in this process must make no difference.
        seed = data_flags.SEED.value + number
        keras.utils.set_random_seed(seed)
        search = searching.make(
            data, method, stage.cells, seed=seed, edge_operations=edge_operations
        )
        return search, _fit(search, data, folder, prefix)

    return stages.run(method, folder, search_stage)


def _steps(data) -> int:
    """Batches of an epoch."""
    return int(searching.streams(data)[0](0).cardinality())


def _fit(search, data, folder, prefix=""):
    from darts_tf.search import callbacks
    from darts_tf.search.collapse_monitor import CollapseMonitor

    train_batches, validation_batches = searching.streams(data)
    metrics = callbacks.MetricsLog(folder.file(f"{prefix}metrics.jsonl"), search)
    print("building the graph; the first step takes longest", flush=True)
    with program.stopping(search.stop, lambda: search.interruptible) as signals:
        search.fit(
            train_batches,
            validation_batches,
            search_flags.EPOCHS.value,
            callbacks=[
                CollapseMonitor(search, search_flags.EIGENVALUE_EVERY.value),
                metrics,
                callbacks.OperationWeightsLog(
                    search, folder.file(f"{prefix}operation_weights.npz")
                ),
                callbacks.TensorBoard(folder.file(f"{prefix}tensorboard"), search),
                callbacks.TimeLeft(["loss", "accuracy", "val_accuracy", "entropy"]),
            ],
            verbose=0,
            checkpoint_dir=folder.checkpoints / prefix,
            keep_checkpoints=search_flags.KEEP_CHECKPOINTS.value,
        )
    if signals:
        epoch, step = search.stopped_at or (search_flags.EPOCHS.value - 1, "last")
        print(
            f"stopped in epoch {epoch + 1} after step {step}; the same command goes on from there"
        )
        sys.exit(128 + signals[0])
    return metrics.records


def _genotype(search, data, folder):
    """The discrete cells; a selection that evaluates architectures sees the validation images."""
    from darts_tf import selections

    # What is trained between two decisions goes on with the search's rate.
    method = rates.of_run(folder.checkpoints.parent, search.method)
    seed = data_flags.SEED.value
    streams = searching.streams(data)
    selection, _ = selection_flags.get(method.selection, method, seed, streams)
    if not isinstance(selection, selections.Progressive):
        selection = baseline_search.with_samples(selection)
    return search.genotype(searching.validation_batches(data), selection)


def _result(search, data, folder, history):
    """The genotype that was found and what is written down about the search."""
    from darts_tf import plots
    from darts_tf.search import callbacks

    weights = callbacks.OperationWeightsLog(search, folder.file("operation_weights.npz")).read()
    plots.plot_operation_weights(
        weights, search.supernet.space, folder.file("operation_weights.png")
    )
    title = f"Search on {data.name} with {search.method.name}"
    plots.plot_history(history, folder.file("history.png"), title=title)
    plots.plot_entropy(history, search.supernet.space, folder.file("entropy.png"))
    plots.plot_collapse(history, folder.file("collapse.png"))
    best = {}
    if search.best is not None:
        search.best.genotype.save(folder.file("best_genotype.json"))
        best = {
            "best_epoch": search.best.epoch,
            "best_supernet_validation_accuracy": search.best.val_accuracy,
        }
    return _genotype(search, data, folder), {
        "method": search.method.name,
        "hypergradient": gradients.label(search.method.gradient),
        "epochs": len(history),
        "supernet_validation_accuracy": history[-1]["val_accuracy"],
        **best,
        "entropy": history[-1]["entropy"],
        "epoch_seconds": history[-1]["seconds"],
    }


if __name__ == "__main__":
    program.run(main)
