"""Measures a step, the start-up and the peak memory.

    python -m train.benchmark --method=darts-v2 --channels=16 --cells=8 --batch_size=16

runs a search on random images of CIFAR-10's shape. `--network=DARTS_V2 --auxiliary` measures a
training step of a derived network instead, and

    python -m train.benchmark --method=darts-v1 --compare="--batched=false" --compare="--channels=8"

runs these flags, and these flags with each change, in turn, every run in a fresh process; with
`--turns=5` all of them in processes that live at the same time and take five turns each. With
`--peer=pytorch` a plain PyTorch step of the same size is one of them. `--goals --peer=pytorch`
measures all that this project promises, `--grid` how the cost grows. `--task=language_model` is the
search of a recurrent cell on random words. `--lower=FOLDER` writes the step for JAX: docs/gpu.md.
"""

import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import sys

import train.startup  # noqa: F401  TensorFlow is first imported here

import keras
import tensorflow as tf
from absl import flags

from darts_tf import gradients, macros, spaces
from darts_tf.benchmark import comparison, goals, growth, text_workloads, workloads
from darts_tf.common import files
from darts_tf.common.errors import UserError
from train import benchmark_flags, lowering, program
from train.benchmark_flags import BenchmarkConfig
from train.peers import commands


def main(config: BenchmarkConfig) -> None:
    """Measures what the flags describe."""
    config = config.of_task()
    modes = {
        "lower": _lower,
        "goals": _goals,
        "grid": _grid,
        "gradients": _measure_gradients,
        "compare": _compare,
        "peer": _compare,
    }
    chosen = [name for name in modes if getattr(config, name)]
    if "peer" in chosen and chosen[0] in ("goals", "compare"):
        chosen.remove("peer")
    if "gradients" in chosen and config.network:
        chosen.append("network")
    if config.lower and config.estimate:
        chosen.append("estimate")
    if len(chosen) > 1:
        raise UserError(
            f"--{chosen[0]} and --{chosen[1]} exclude each other; leave one of them out"
        )
    if config.turns > 1 and not {"goals", "compare", "peer"} & set(chosen):
        raise UserError("--turns is for --compare, --peer and --goals; leave it out")
    (modes[chosen[0]] if chosen else _measure)(config)


def _measure(config: BenchmarkConfig) -> None:
    if config.estimate and config.network:
        raise UserError("--estimate is for a search, not for --network; leave one of them out")
    _configure(config)
    counts = {
        "steps": config.steps,
        "warmup": config.warmup,
        "turns": config.takes_turns,
    }
    if config.task == "language_model":
        measurement = text_workloads.measure_text_search(
            text_workloads.TextSize(
                config.channels, config.vocabulary, config.batch_size, config.bptt
            ),
            config.method,
            space=config.space,
            **counts,
        )
    elif config.network:
        measurement = workloads.measure_training(
            _size(config),
            config.network,
            auxiliary=config.auxiliary,
            stem=config.stem,
            **counts,
        )
    else:
        measurement = workloads.measure_search(
            _size(config),
            config.method,
            space=_space(config),
            batched=config.batched,
            recompute=config.recompute,
            estimate=config.estimate,
            **counts,
        )
    if config.json:
        print(json.dumps(measurement.to_dict()))
        return
    print(f"{measurement.weights:,} weights; {measurement.library}; {measurement.threads} threads")
    print(comparison.describe(measurement))
    if measurement.estimated_memory_bytes:
        error = measurement.estimated_memory_bytes / measurement.peak_memory_bytes - 1
        expected = measurement.estimated_memory_bytes / 1e9
        print(f"estimated memory {expected:.2f} GB, {error:+.0%} of the measured peak")
    if measurement.data_wait_seconds:
        waits = comparison.Spread.of([1e3 * x for x in measurement.data_wait_seconds])
        print(f"a step waits {waits.text()} ms for its data")


def _lower(config: BenchmarkConfig) -> None:
    _configure(config)
    of_images = config.task == "image_classification"
    settings = (_size(config), _space(config)) if of_images else (None, None)
    lowering.run(config, *settings, _report)


def _size(config: BenchmarkConfig) -> workloads.Size:
    channels, cells = (36, 20) if config.network else (16, 8)
    return workloads.Size(
        config.channels or channels,
        config.cells or cells,
        config.batch_size,
        config.image_size,
    )


def _space(config: BenchmarkConfig) -> spaces.Space:
    space = spaces.get(config.space)
    return dataclasses.replace(space, macro=macros.with_stem(space.macro, config.stem))


def _configure(config: BenchmarkConfig) -> None:
    """Sets what belongs to the whole process."""
    if config.threads:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(config.threads)
    if config.precision == "float64":
        # Of learning rates and means.
        keras.config.set_floatx("float64")
    keras.config.set_dtype_policy(config.precision)


def _measure_gradients(config: BenchmarkConfig) -> None:
    _configure(config)
    seconds = workloads.measure_gradients(
        _size(config),
        space=_space(config),
        rounds=config.steps,
        warmup=1 + config.warmup,
    )
    if config.json:
        print(json.dumps(seconds))
        return
    spreads = {name: comparison.Spread.of(values) for name, values in seconds.items()}
    weight_step = spreads.pop("weight_step").median
    first = spreads["first_order"].median
    rows = [["hypergradient", "seconds", "/ first_order", "search step / first-order search step"]]
    for name, spread in spreads.items():
        # Where the gradient of the weights comes with it, no weight step follows.
        rest = 0 if gradients.get(name).one_level else weight_step
        whole = (spread.median + rest) / (first + weight_step)
        rows.append([name, spread.text(), f"{spread.median / first:.2f}", f"{whole:.2f}"])
    print(comparison.columns(rows))
    print(f"a weight step takes {weight_step:.3f} s")


def _compare(config: BenchmarkConfig) -> None:
    base = _given(config)
    configurations = [_configuration("these flags", base)]
    for text in config.compare:
        configurations.append(_configuration(text, [*base, *_split(text)]))
    names = [configuration.name for configuration in configurations]
    if len(set(names)) < len(names):
        raise UserError("--compare: two of the configurations are the same; leave one of them out")
    reference = names[0]
    if config.peer:
        configurations.append(_peer(config))
        reference = commands.TITLE
    results = comparison.alternate(configurations, config.runs, _report, config.turns)
    if config.json:
        print(json.dumps({"flags": base, **comparison.to_dict(results, reference)}))
    else:
        print("these flags:", " ".join(base) or "(defaults)")
        print(comparison.as_text(results, reference))


def _goals(config: BenchmarkConfig) -> None:
    if not config.peer:
        raise UserError("--goals compares with a peer; add --peer=pytorch")

    def flags_of(words):
        # Sizes of images mean nothing to the goals about texts.
        task = BenchmarkConfig.from_words(words).task
        return [*_given(config.without_other_tasks(task)), *words]

    spreads, record = goals.measure(
        lambda text, words: _configuration(text, flags_of(words)),
        lambda words: _peer(BenchmarkConfig.from_words(flags_of(words)).of_task()),
        config.runs,
        _report,
        _output(config, "goals.json") if config.output_dir else None,
        config.turns,
    )
    print(json.dumps(record) if config.json else goals.as_text(spreads))


def _grid(config: BenchmarkConfig) -> None:
    if not config.output_dir:
        raise UserError("--output_dir is missing; give the folder that --grid writes to")
    of_images = config.task == "image_classification"
    grid = growth.IMAGES if of_images else growth.TEXTS
    estimate = ["--estimate"] if of_images else []
    for name in benchmark_flags.CONFIGURATION:
        if name in config.given and (name in grid.base or name == "network"):
            raise UserError(f"--grid chooses --{name} itself; leave it out")
    base = _given(config)
    results = growth.measure(
        grid,
        lambda text: _configuration(text, [*base, *text.split(), *estimate]),
        {"flags": base},
        _output(config, "growth.json"),
        _report,
    )
    growth.write_csv(grid, results, _output(config, "growth.csv"))
    growth.plot(grid, results, _output(config, "growth.png"))
    print(_output(config, "growth.csv").read_text(), end="")


def _output(config: BenchmarkConfig, name: str) -> pathlib.Path:
    return files.own_folder(config.output_dir) / name


def _given(config: BenchmarkConfig) -> list[str]:
    """The given flags of what is measured, as on a command line."""
    return config.words(name for name in benchmark_flags.CONFIGURATION if name in config.given)


def _split(text: str) -> list[str]:
    """The flags of a `--compare`, after checking that they describe a configuration."""
    try:
        words = shlex.split(text)
        parsed = BenchmarkConfig.from_words(words)
    except (flags.Error, ValueError) as error:
        raise UserError(f"--compare={text!r}: {error}") from error
    others = parsed.given.difference(benchmark_flags.CONFIGURATION)
    wrong = [f"--{name}" for name in parsed.names() if name in others]
    wrong += [word for word in words if not word.startswith("-")]
    if wrong or not words:
        got = f"; got {wrong[0]}" if wrong else ""
        raise UserError(
            f"--compare={text!r}: expected flags of a configuration, such as "
            f'"--channels=8 --batched=false"{got}'
        )
    return words


def _configuration(name: str, words: list[str]) -> comparison.Configuration:
    command = [sys.executable, "-m", "train.benchmark", *words, "--json"]
    return comparison.Configuration(name, command, _environment())


def _peer(config: BenchmarkConfig) -> comparison.Configuration:
    """The peer of what these flags measure."""
    settings = config.values(benchmark_flags.CONFIGURATION)
    python = config.peer_python or sys.executable
    if not shutil.which(python):
        raise UserError(f"--peer_python={python} is no program; give the path of a Python")
    if config.task == "language_model":
        return commands.pytorch_recurrent(settings, python, _environment())
    size = _size(config)
    settings |= {"channels": size.channels, "cells": size.cells}

    def make(layout):
        return commands.pytorch(settings, python, _environment(), layout)

    if config.peer_layout == "auto":
        return commands.in_faster_layout(make, _report)
    return make(config.peer_layout)


def _environment() -> dict:
    """That of this process; whatever its folder is, the programs here are found."""
    root = str(pathlib.Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    program.run(main)
