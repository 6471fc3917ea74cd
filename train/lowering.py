"""What `train.benchmark --lower` does."""

import functools
import gc
import json

import keras
import numpy as np

from darts_tf.benchmark import (
    lowered_folder,
    lowering,
    random_data,
    recorded_steps,
    text_workloads,
    workloads,
)
from darts_tf.common import files
from darts_tf.common.errors import UserError
from train.benchmark_flags import BenchmarkConfig

# Steps to check by, where the user gave no number: more would only let roundings grow.
STEPS = 3
_SEED = 0
# Precision -> another one.
_OTHER = {"float32": "mixed_bfloat16", "mixed_bfloat16": "float32", "float64": "float32"}


def run(config: BenchmarkConfig, size, space, report) -> None:
    """Lowers the step that the flags describe, and records the same steps here.

    Args:
        config: the flags, with their task's defaults.
        size: of the images' workload; None for a text's.
        space: of the search.
        report: is told in a line what is being done.
    """
    if config.precision not in _OTHER:
        raise UserError(
            f"--lower is for {', '.join(_OTHER)}, not for --precision={config.precision}"
        )
    config.refuse_given(
        ("warmup", "runs", "takes_turns", "output_dir"), "has no meaning with --lower; leave it out"
    )
    lowering.check_installed()
    folder = files.own_folder(config.lower)
    steps = config.steps if "steps" in config.given else STEPS
    record, lower = _workload(config, size, space, steps)
    report("lowering the step")
    program, start = lower()
    # What was traced for XLA must not be found again by the steps that are recorded.
    gc.collect()
    report(f"running {steps} steps with TensorFlow")
    recorded = record()
    recorded_steps.check_same(start, recorded)
    other = _OTHER[config.precision]
    report(f"running them in {other}, to know what roundings do")
    keras.config.set_dtype_policy(other)
    try:
        rounded = record()
    finally:
        keras.config.set_dtype_policy(config.precision)
    nudged = None
    if config.precision in ("float32", "float64"):
        report("running them from weights that are rounded otherwise, to know what that does")
        nudged = record(nudged=True)
    records = lowered_folder.Records(recorded, rounded, nudged)
    workload = _described(config, size)
    manifest = lowered_folder.write(folder, program, records, config.precision, workload)
    told = {
        "folder": str(folder),
        "steps": steps,
        "programs": manifest["programs"],
        "variables": len(program.state),
        "results": {k: [x.tolist() for x in v] for k, v in recorded.results.items()},
    }
    if config.json:
        print(json.dumps(told))
        return
    print(
        f"{folder}: {len(program.state)} variables, {len(program.exact):,} bytes of program, "
        f"{steps} steps; run it with: python scripts/run_lowered.py {folder}"
    )


def _described(config, size) -> dict:
    """The flags that make the step, with their defaults."""
    names = ["task", "method", "space", "network", "batch_size"]
    if size is None:
        return config.values([*names, "channels", "vocabulary", "bptt"])
    names += ["stem", "auxiliary"] if config.network else ["stem", "batched", "recompute"]
    sizes = {"channels": size.channels, "cells": size.cells, "image_size": size.image_size}
    return config.values(names) | sizes


def _workload(config, size, space, steps):
    """Two functions: one records the steps, one lowers the step."""

    def seeded(make):
        def make_anew(nudged=False):
            keras.utils.set_random_seed(_SEED)
            made = make()
            if nudged:
                of_search = getattr(made, "supernet", None)
                _nudge(of_search.weight_variables if of_search else made.trainable_variables)
            return made

        return make_anew

    def images(seed):
        # Nothing says which of several largest pixels in a window an accelerator's XLA chooses.
        return random_data.random_batches(size, steps, seed, augmented=False)(0)

    if config.network:
        batches = [[tensor.numpy() for tensor in batch] for batch in images(_SEED)]

        @seeded
        def make_network():
            return workloads.make_network(
                size, config.network, auxiliary=config.auxiliary, stem=config.stem
            )

        return (
            lambda nudged=False: recorded_steps.record_training(
                functools.partial(make_network, nudged), batches
            ),
            lambda: recorded_steps.lower_training(make_network, batches),
        )
    if config.task == "language_model":
        text_size = text_workloads.TextSize(
            config.channels, config.vocabulary, config.batch_size, config.bptt
        )
        make = seeded(
            lambda: text_workloads.make_text_search(text_size, config.method, space=config.space)
        )

        def data():
            return [text_workloads.random_windows(text_size, steps, seed) for seed in (0, 1)]

    else:
        make = seeded(
            lambda: workloads.make_search(
                size,
                config.method,
                space=space,
                batched=config.batched,
                recompute=config.recompute,
            )
        )

        def data():
            return [images(seed) for seed in (0, 1)]

    return (
        lambda nudged=False: recorded_steps.record_search(
            functools.partial(make, nudged), data, steps
        ),
        lambda: recorded_steps.lower_search(make, data),
    )


def _nudge(variables) -> None:
    """Moves every number up or down by as much as a rounding may."""
    rng = np.random.default_rng(_SEED)
    for variable in variables:
        value = variable.numpy()
        nudges = rng.choice([-1, 1], value.shape) * np.finfo(value.dtype).eps
        variable.assign((value * (1 + nudges)).astype(value.dtype))
