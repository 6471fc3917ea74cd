"""Searches a cell.

    python -m train.search --method=darts-v2 --dataset=digits --output_dir=RUN

writes to RUN: genotype.json, the cell that was found; best_genotype.json, the cell at the epoch
whose supernet was best on the validation images; cell_normal and cell_reduce as .svg and .png;
operation_weights.png, which operation won on which edge and when; history.png; metrics.jsonl;
TensorBoard logs; checkpoints. Started again with the same settings it goes on where it stopped.

The methods random and aging-evolution train one network after the other instead of a supernet, and
write them to candidates.jsonl.
"""

import dataclasses
import sys
import time

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf import (
    baselines,
    distribution,
    expected_cost,
    gradients,
    macros,
    methods,
    spaces,
)
from darts_tf.errors import UserError
from train import baseline_search, data_flags, found, program, stages, strategies

# They stand in --help too.
flags.adopt_module_key_flags(data_flags)
flags.adopt_module_key_flags(strategies)
flags.adopt_module_key_flags(baseline_search)
flags.adopt_module_key_flags(found)
flags.adopt_module_key_flags(stages)

_SPACE = flags.DEFINE_enum(
    "space", "darts_cnn", spaces.names(searchable_only=True), "The search space."
)
_METHOD = flags.DEFINE_enum(
    "method", "darts-v2", [*methods.METHODS, *baselines.BASELINES], "The search method."
)
_HYPERGRADIENT = flags.DEFINE_enum(
    "hypergradient",
    None,
    list(gradients.names()),
    "How the loss reaches the architecture variables; by default what the method says.",
)
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder that the search writes to.")
_EPOCHS = flags.DEFINE_integer(
    "epochs", 50, "Epochs to search; with p-darts of each of its stages.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Images in a training batch and in a validation batch.", lower_bound=1
)
_ACCUMULATE_STEPS = flags.DEFINE_integer(
    "accumulate_steps",
    1,
    "Compute every batch in so many equal parts, one after another, which needs less memory. The "
    "gradients are those of the whole batch; batch normalisation sees one part at a time.",
    lower_bound=1,
)
_CHANNELS = flags.DEFINE_integer(
    "channels",
    None,
    "Channels of the first cell, 16 by default; a smaller number is faster.",
    lower_bound=2,
)
_CELLS = flags.DEFINE_integer(
    "cells",
    None,
    "Cells of the supernet. In darts_cnn 8 by default; those at 1/3 and 2/3 halve the image. In "
    "nas_bench_201 15 by default, in three stages.",
    lower_bound=3,
)
_TRAIN_PORTION = flags.DEFINE_float(
    "train_portion",
    0.5,
    "Share of the training images that trains the weights; the rest trains the architecture.",
)
_WEIGHT_LEARNING_RATE = flags.DEFINE_float(
    "weight_learning_rate", None, "First learning rate of the weights; default: the method's."
)
_ARCHITECTURE_LEARNING_RATE = flags.DEFINE_float(
    "architecture_learning_rate",
    None,
    "Learning rate of the architecture variables; default: the method's.",
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "What the layers compute in; weights, architecture variables and losses stay float32. Not for "
    "the second-order term: see the README.",
)
_KEEP_CHECKPOINTS = flags.DEFINE_integer(
    "keep_checkpoints", 3, "How many checkpoints stay in the folder.", lower_bound=1
)
_COST = flags.DEFINE_enum(
    "cost",
    None,
    list(expected_cost.KINDS),
    "Adds the architecture's expected cost to the loss: parameters, flops (multiply-adds) or "
    "latency.",
)
_COST_WEIGHT = flags.DEFINE_float(
    "cost_weight",
    None,
    "With --cost: its weight in the loss, 0.1 by default. The unit is the cost of equal operation "
    "weights.",
)
_LATENCY_TABLE = flags.DEFINE_string(
    "latency_table", None, "For --cost=latency: a file that train.latency wrote."
)


def main() -> None:
    """Runs the search that the flags describe."""
    if not _OUTPUT_DIR.value:
        raise UserError("--output_dir is missing; give the folder that the search writes to")
    method = _method()
    if method is None:
        baseline_search.check(_only_gradient_flags())
    else:
        baseline_search.refuse_flags(_METHOD.value)
    table = found.load_table(_SPACE.value)

    import keras

    from darts_tf.run_folder import RunFolder

    started = time.perf_counter()
    _check_parts()
    strategy = strategies.get(_BATCH_SIZE.value)
    keras.config.set_dtype_policy(_PRECISION.value)
    data = data_flags.load()
    folder = RunFolder(_OUTPUT_DIR.value, _config(), writes=distribution.is_chief(strategy))
    if folder.finished:
        print(f"this search is finished; see {_OUTPUT_DIR.value}")
        return
    folder.write_json("data.json", data.description())
    folder.write("flags.txt", program.flag_file())
    keras.utils.set_random_seed(data_flags.SEED.value)
    with strategy.scope():
        if method is None:
            genotype, result = _train_candidates(strategy, data, folder)
        else:
            search, history = _run(data, method, folder)
            genotype, result = _result(search, data, folder, history)
    seconds = time.perf_counter() - started
    result |= found.report(genotype, data, *_size(), table)
    found.write(genotype, folder, {**result, "wall_seconds_of_last_start": round(seconds, 1)})
    print(f"found a cell in {seconds:.0f} s; genotype and pictures are in {_OUTPUT_DIR.value}")


def _train_candidates(strategy, data, folder):
    """A search without a supernet: the genotype, and what is written down about the search."""
    if strategy.num_replicas_in_sync > 1:
        raise UserError(f"--method={_METHOD.value} trains on one device; add --distribute=none")
    channels, cells = _size()
    return baseline_search.run(
        baselines.get(_METHOD.value),
        spaces.get(_SPACE.value),
        data,
        folder,
        channels=channels,
        cells=cells,
        batch_size=_BATCH_SIZE.value,
        train_portion=_TRAIN_PORTION.value,
        learning_rate=_positive(_WEIGHT_LEARNING_RATE),
    )


def _size() -> tuple[int, int]:
    """Channels and cells, by default those of the space's macro network or the first stage."""
    channels, cells = macros.get(spaces.get(_SPACE.value).macro).search_size
    if _METHOD.value in methods.METHODS and methods.get(_METHOD.value).stages:
        cells = methods.get(_METHOD.value).stages[0].cells
    return (
        channels if _CHANNELS.value is None else _CHANNELS.value,
        cells if _CELLS.value is None else _CELLS.value,
    )


def _only_gradient_flags() -> list:
    """The flags that mean nothing to a method without a gradient."""
    return [
        *(_HYPERGRADIENT, _EPOCHS, _ARCHITECTURE_LEARNING_RATE, _ACCUMULATE_STEPS),
        *(_COST, _COST_WEIGHT, _LATENCY_TABLE),
    ]


def _method() -> methods.Method | None:
    """The method with the flags' changes; None for a baseline."""
    if _METHOD.value in baselines.BASELINES:
        return None
    changes = {}
    if _HYPERGRADIENT.value is not None:
        changes["gradient"] = _HYPERGRADIENT.value
    method = methods.get(_METHOD.value)
    if (first := _positive(_WEIGHT_LEARNING_RATE)) is not None:
        last = method.weight_learning_rate[1] * first / method.weight_learning_rate[0]
        changes["weight_learning_rate"] = (first, last)
    if (rate := _positive(_ARCHITECTURE_LEARNING_RATE)) is not None:
        changes["architecture_learning_rate"] = rate
    method = stages.with_cells(dataclasses.replace(method, **changes), _CELLS.value)
    method.check()
    return method


def _check_parts() -> None:
    if _BATCH_SIZE.value % _ACCUMULATE_STEPS.value:
        raise UserError(
            f"--accumulate_steps={_ACCUMULATE_STEPS.value}: --batch_size={_BATCH_SIZE.value} is no "
            "multiple of it; the parts of a batch are equally large"
        )


def _positive(flag):
    if flag.value is not None and not 0 < flag.value < float("inf"):
        raise UserError(f"--{flag.name}={flag.value}: expected a number above 0")
    return flag.value


def _config() -> dict:
    own = (
        *(_SPACE, _METHOD, _HYPERGRADIENT, _EPOCHS, _BATCH_SIZE, _CHANNELS, _CELLS),
        *(_TRAIN_PORTION, _WEIGHT_LEARNING_RATE, _ARCHITECTURE_LEARNING_RATE, _ACCUMULATE_STEPS),
        _PRECISION,
        *(_COST, _COST_WEIGHT, _LATENCY_TABLE, *found.FLAGS, *baseline_search.FLAGS),
        *stages.FLAGS,
    )
    settings = {f.name: f.value for f in own}
    settings["channels"], settings["cells"] = _size()
    return {"program": "search", **settings, **data_flags.config()}


def _run(data, method, folder):
    """Searches, in stages where the method has them; returns the last search and its history."""
    import keras

    if not method.stages:
        search = _search(data, method, _size()[1])
        return search, _fit(search, data, folder)

    def search_stage(method, stage, number, edge_operations, prefix):
        # Whether the stage before was searched in this process must make no difference.
        seed = data_flags.SEED.value + number
        keras.utils.set_random_seed(seed)
        options = {"edge_operations": edge_operations, "skip_dropout": stage.skip_dropout > 0}
        search = _search(data, method, stage.cells, seed=seed, **options)
        return search, _fit(search, data, folder, prefix)

    return stages.run(method, folder, search_stage)


def _search(data, method, cells, **options):
    from darts_tf.cost import parameters
    from darts_tf.search import ArchitectureSearch
    from darts_tf.supernet import Supernet

    channels = _size()[0]
    size = (data.image_shape, data.num_classes, channels, cells)
    options = {"seed": data_flags.SEED.value, **options}
    supernet = Supernet(_SPACE.value, *size, relaxation=method.relaxation, **options)
    print(
        f"supernet: {cells} cells, {channels} channels, {parameters(supernet):,} "
        f"weights; method {method.name}, hypergradient {method.gradient}",
        flush=True,
    )
    return ArchitectureSearch(
        supernet,
        method,
        penalty=_penalty(supernet, size),
        accumulate_steps=_ACCUMULATE_STEPS.value,
    )


def _penalty(supernet, size):
    """What --cost adds to the loss, None without."""
    if _COST.value is None:
        for flag in (_COST_WEIGHT, _LATENCY_TABLE):
            if flag.value is not None:
                raise UserError(f"--{flag.name} has no meaning without --cost")
        return None
    weight = 0.1 if _COST_WEIGHT.value is None else _COST_WEIGHT.value
    if not 0 <= weight < float("inf"):
        raise UserError(f"--cost_weight={weight}: expected 0 or a number above it")
    latencies = None
    if _COST.value == "latency":
        from darts_tf.latency import Latencies

        if _LATENCY_TABLE.value is None:
            raise UserError(
                "--cost=latency needs --latency_table; python -m train.latency measures one"
            )
        latencies = Latencies.load(_LATENCY_TABLE.value)
    measure = expected_cost.measure(_COST.value, latencies)
    table = expected_cost.table(_SPACE.value, *size, measure=measure)
    return table.penalty(supernet.space, weight)


def _fit(search, data, folder, prefix=""):
    from darts_tf import callbacks, datasets

    seed, batch_size = data_flags.SEED.value, _BATCH_SIZE.value
    parts = datasets.split(data.train_images, data.train_labels, _TRAIN_PORTION.value, seed)
    augmentation = datasets.Augmentation.suited_to(data)

    def stream(part, offset):
        return lambda epoch: datasets.batches(
            *parts[part],
            batch_size,
            mean=data.mean,
            std=data.std,
            augmentation=augmentation,
            shuffle=True,
            seed=2 * seed + offset,
            epoch=epoch,
            drop_remainder=True,
        )

    metrics = callbacks.MetricsLog(folder.file(f"{prefix}metrics.jsonl"))
    print("building the graph; the first step takes longest", flush=True)
    with program.stopping(search.stop) as signals:
        search.fit(
            stream(0, 0),
            stream(1, 1),
            _EPOCHS.value,
            callbacks=[
                metrics,
                callbacks.OperationWeightsLog(
                    search, folder.file(f"{prefix}operation_weights.npz")
                ),
                callbacks.TensorBoard(folder.file(f"{prefix}tensorboard"), search),
                callbacks.TimeLeft(["loss", "accuracy", "val_accuracy", "entropy"]),
            ],
            verbose=0,
            checkpoint_dir=folder.checkpoints / prefix,
            keep_checkpoints=_KEEP_CHECKPOINTS.value,
        )
    if search.stopped_at:
        epoch, step = search.stopped_at
        print(
            f"stopped in epoch {epoch + 1} after step {step}; the same command goes on from there"
        )
        sys.exit(128 + signals[0])
    return metrics.records


def _genotype(search, data):
    """The discrete cells; a selection that evaluates architectures sees the validation images."""
    from darts_tf import datasets, selections

    _, validation = datasets.split(
        data.train_images, data.train_labels, _TRAIN_PORTION.value, data_flags.SEED.value
    )
    batches = datasets.batches(
        *validation, _BATCH_SIZE.value, mean=data.mean, std=data.std, drop_remainder=True
    )
    samples = baseline_search.samples()
    selection = selections.SharedWeights(samples) if samples else None
    return search.genotype(batches, selection)


def _result(search, data, folder, history):
    """The genotype that was found and what is written down about the search."""
    from darts_tf import callbacks, plots

    weights = callbacks.OperationWeightsLog(search, folder.file("operation_weights.npz")).read()
    plots.plot_operation_weights(
        weights, search.supernet.space, folder.file("operation_weights.png")
    )
    title = f"Search on {data.name} with {search.method.name}"
    plots.plot_history(history, folder.file("history.png"), title=title)
    best = {}
    if search.best is not None:
        search.best.genotype.save(folder.file("best_genotype.json"))
        best = {
            "best_epoch": search.best.epoch,
            "best_supernet_validation_accuracy": search.best.val_accuracy,
        }
    return _genotype(search, data), {
        "method": search.method.name,
        "hypergradient": search.method.gradient,
        "epochs": len(history),
        "supernet_validation_accuracy": history[-1]["val_accuracy"],
        **best,
        "entropy": history[-1]["entropy"],
        "epoch_seconds": history[-1]["seconds"],
    }


if __name__ == "__main__":
    program.run(main)
