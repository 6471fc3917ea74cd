"""Measures a step, the start-up and the peak memory.

    python -m train.benchmark --method=darts-v2 --channels=16 --cells=8 --batch_size=16

runs a search on random images of CIFAR-10's shape. `--network=DARTS_V2 --auxiliary` measures a
training step of a derived network instead, and

    python -m train.benchmark --method=darts-v1 --compare="--batched=false" --compare="--channels=8"

runs these flags, and these flags with each change, in turn, every run in a fresh process; with
`--turns=5` all of them in processes that live at the same time and take five turns each. With
`--peer=pytorch` a plain PyTorch step of the same size is one of them. `--goals --peer=pytorch`
measures all that this project promises, `--grid` how the cost grows.
"""

import copy
import json
import os
import pathlib
import shlex
import shutil
import sys

from absl import flags

import train.quiet  # noqa: F401  TensorFlow is first imported here
from darts_tf.benchmark import comparison
from darts_tf.common import files
from darts_tf.common.errors import UserError
from train import benchmark_flags, program
from train.peers import commands

flags.adopt_module_key_flags(benchmark_flags)


def main() -> None:
    """Measures what the flags describe."""
    modes = {
        "goals": _goals,
        "grid": _grid,
        "gradients": _measure_gradients,
        "compare": _compare,
        "peer": _compare,
    }
    chosen = [name for name in modes if flags.FLAGS[name].value]
    if "peer" in chosen and chosen[0] in ("goals", "compare"):
        chosen.remove("peer")
    if "gradients" in chosen and benchmark_flags.NETWORK.value:
        chosen.append("network")
    if len(chosen) > 1:
        raise UserError(
            f"--{chosen[0]} and --{chosen[1]} exclude each other; leave one of them out"
        )
    if benchmark_flags.TURNS.value > 1 and not {"goals", "compare", "peer"} & set(chosen):
        raise UserError("--turns is for --compare, --peer and --goals; leave it out")
    modes[chosen[0]]() if chosen else _measure()


def _measure() -> None:
    from darts_tf.benchmark import workloads

    if benchmark_flags.ESTIMATE.value and benchmark_flags.NETWORK.value:
        raise UserError("--estimate is for a search, not for --network; leave one of them out")
    _configure()
    counts = {
        "steps": benchmark_flags.STEPS.value,
        "warmup": benchmark_flags.WARMUP.value,
        "turns": benchmark_flags.TAKES_TURNS.value,
    }
    if benchmark_flags.NETWORK.value:
        measurement = workloads.measure_training(
            _size(),
            benchmark_flags.NETWORK.value,
            auxiliary=benchmark_flags.AUXILIARY.value,
            **counts,
        )
    else:
        measurement = workloads.measure_search(
            _size(),
            benchmark_flags.METHOD.value,
            space=benchmark_flags.SPACE.value,
            batched=benchmark_flags.BATCHED.value,
            recompute=benchmark_flags.RECOMPUTE.value,
            estimate=benchmark_flags.ESTIMATE.value,
            **counts,
        )
    if benchmark_flags.JSON.value:
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


def _size(settings=None):
    from darts_tf.benchmark.workloads import Size

    if settings is None:
        settings = {flag.name: flag.value for flag in benchmark_flags.CONFIGURATION}
    channels, cells = (36, 20) if settings["network"] else (16, 8)
    return Size(
        settings["channels"] or channels,
        settings["cells"] or cells,
        settings["batch_size"],
        settings["image_size"],
    )


def _configure() -> None:
    """Sets what belongs to the whole process."""
    import keras
    import tensorflow as tf

    if benchmark_flags.THREADS.value:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(benchmark_flags.THREADS.value)
    keras.config.set_dtype_policy(benchmark_flags.PRECISION.value)


def _measure_gradients() -> None:
    from darts_tf import gradients
    from darts_tf.benchmark import workloads

    _configure()
    seconds = workloads.measure_gradients(
        _size(),
        space=benchmark_flags.SPACE.value,
        rounds=benchmark_flags.STEPS.value,
        warmup=1 + benchmark_flags.WARMUP.value,
    )
    if benchmark_flags.JSON.value:
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


def _compare() -> None:
    base = [flag.serialize() for flag in _present()]
    configurations = [_configuration("these flags", base)]
    for text in benchmark_flags.COMPARE.value:
        configurations.append(_configuration(text, [*base, *_split(text)]))
    names = [configuration.name for configuration in configurations]
    if len(set(names)) < len(names):
        raise UserError("--compare: two of the configurations are the same; leave one of them out")
    reference = names[0]
    if benchmark_flags.PEER.value:
        configurations.append(_peer(flags.FLAGS))
        reference = commands.TITLE
    results = comparison.alternate(
        configurations, benchmark_flags.RUNS.value, _report, benchmark_flags.TURNS.value
    )
    if benchmark_flags.JSON.value:
        print(json.dumps({"flags": base, **comparison.to_dict(results, reference)}))
    else:
        print("these flags:", " ".join(base) or "(defaults)")
        print(comparison.table(results, reference))


def _goals() -> None:
    from darts_tf.benchmark import goals

    if not benchmark_flags.PEER.value:
        raise UserError("--goals compares with a peer; add --peer=pytorch")
    base = [flag.serialize() for flag in _present()]
    spreads, record = goals.measure(
        lambda text, words: _configuration(text, [*base, *words]),
        lambda words: _peer(_parsed([*base, *words])),
        benchmark_flags.RUNS.value,
        _report,
        _output("goals.json") if benchmark_flags.OUTPUT_DIR.value else None,
        benchmark_flags.TURNS.value,
    )
    print(json.dumps(record) if benchmark_flags.JSON.value else goals.table(spreads))


def _grid() -> None:
    from darts_tf.benchmark import growth

    if not benchmark_flags.OUTPUT_DIR.value:
        raise UserError("--output_dir is missing; give the folder that --grid writes to")
    for flag in _present():
        if flag.name in growth.BASE or flag.name == "network":
            raise UserError(f"--grid chooses --{flag.name} itself; leave it out")
    base = [flag.serialize() for flag in _present()]
    results = growth.measure(
        lambda text: _configuration(text, [*base, *text.split(), "--estimate"]),
        {"flags": base},
        _output("growth.json"),
        _report,
    )
    growth.write_csv(results, _output("growth.csv"))
    growth.plot(results, _output("growth.png"))
    print(_output("growth.csv").read_text(), end="")


def _output(name: str) -> pathlib.Path:
    return files.own_folder(benchmark_flags.OUTPUT_DIR.value) / name


def _present() -> list[flags.Flag]:
    """The flags of the configuration that the user gave."""
    return [
        flags.FLAGS[flag.name]
        for flag in benchmark_flags.CONFIGURATION
        if flags.FLAGS[flag.name].present
    ]


def _split(text: str) -> list[str]:
    """The flags of a `--compare`, after checking that they describe a configuration."""
    try:
        words = shlex.split(text)
        parsed = _parsed(words)
    except (flags.Error, ValueError) as error:
        raise UserError(f"--compare={text!r}: {error}") from error
    allowed = {flag.name for flag in benchmark_flags.CONFIGURATION}
    wrong = [f"--{name}" for name in parsed if parsed[name].present and name not in allowed]
    wrong += [word for word in words if not word.startswith("-")]
    if wrong or not words:
        got = f"; got {wrong[0]}" if wrong else ""
        raise UserError(
            f"--compare={text!r}: expected flags of a configuration, such as "
            f'"--channels=8 --batched=false"{got}'
        )
    return words


def _parsed(words: list[str]) -> flags.FlagValues:
    """What the flags would be if these words were all that was given."""
    parsed = copy.deepcopy(flags.FLAGS)
    parsed.unparse_flags()
    for name in list(parsed):
        parsed[name].present = 0
        parsed[name].value = parsed[name].default
    parsed([sys.argv[0], *words])
    return parsed


def _configuration(name: str, words: list[str]) -> comparison.Configuration:
    command = [sys.executable, "-m", "train.benchmark", *words, "--json"]
    return comparison.Configuration(name, command, _environment())


def _peer(values: flags.FlagValues) -> comparison.Configuration:
    """The peer of the configuration that these flags describe."""
    settings = {flag.name: values[flag.name].value for flag in benchmark_flags.CONFIGURATION}
    size = _size(settings)
    settings |= {"channels": size.channels, "cells": size.cells}
    python = benchmark_flags.PEER_PYTHON.value or sys.executable
    if not shutil.which(python):
        raise UserError(f"--peer_python={python} is no program; give the path of a Python")

    def make(layout):
        return commands.pytorch(settings, python, _environment(), layout)

    if benchmark_flags.PEER_LAYOUT.value == "auto":
        return commands.in_faster_layout(make, _report)
    return make(benchmark_flags.PEER_LAYOUT.value)


def _environment() -> dict:
    """That of this process; whatever its folder is, the programs here are found."""
    root = str(pathlib.Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    program.run(main)
