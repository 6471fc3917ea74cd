"""The flags of train.search, and what they mean together."""

import dataclasses
import math

from absl import flags

from darts_tf import baselines, gradients, macros, methods, spaces
from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost, log_cost
from darts_tf.datasets import fingerprint
from train import baseline_search, data_flags, found, selection_flags, stages

SPACE = flags.DEFINE_enum(
    "space", "darts_cnn", spaces.names(searchable_only=True), "The search space."
)
METHOD = flags.DEFINE_enum(
    "method", "darts-v2", [*methods.METHODS, *baselines.BASELINES], "The search method."
)
HYPERGRADIENT = flags.DEFINE_enum(
    "hypergradient",
    None,
    list(gradients.names()),
    "How the loss reaches the architecture variables; by default what the method says.",
)
GRADIENT_OPTIONS = flags.DEFINE_list(
    "gradient_options",
    None,
    "Options of the hypergradient as name=value, such as steps=2 for unrolled, radius=0.001 for "
    "finite_difference, samples=4,baseline_decay=none for score_function or edges=4,fresh=true for "
    "ram; see darts_tf.gradients.",
)
ENTROPY_WEIGHT = flags.DEFINE_float(
    "entropy_weight",
    None,
    "Weight of the operation weights' entropy (nats, summed over all edges) in the loss that they "
    "descend: above 0 makes them decide, below 0 keeps them open. Default: 0.",
)
OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "The folder that the search writes to.")
EPOCHS = flags.DEFINE_integer(
    "epochs", 50, "Epochs to search; with p-darts of each of its stages.", lower_bound=1
)


class _NumberOrAuto(flags.IntegerParser):
    """A whole number, or the word auto."""

    def parse(self, argument):
        return argument if argument == "auto" else super().parse(argument)


BATCH_SIZE = flags.DEFINE(
    _NumberOrAuto(lower_bound=1),
    "batch_size",
    64,
    "Images in a training batch and in a validation batch; auto: as many as fit --memory_limit.",
    serializer=flags.ArgumentSerializer(),
)
MEMORY_LIMIT = flags.DEFINE_float(
    "memory_limit",
    None,
    "With --batch_size=auto: how much memory, in GB, the search may use; default: what is free.",
)
ACCUMULATE_STEPS = flags.DEFINE_integer(
    "accumulate_steps",
    1,
    "Compute every batch in so many equal parts, one after another, which needs less memory. The "
    "gradients are those of the whole batch; batch normalisation sees one part at a time.",
    lower_bound=1,
)
RECOMPUTE = flags.DEFINE_bool(
    "recompute",
    False,
    "Let gradients compute the operations of a cell again instead of keeping what is inside them: "
    "less memory, longer steps, the same result.",
)
CHANNELS = flags.DEFINE_integer(
    "channels",
    None,
    "Channels of the first cell, 16 by default; a smaller number is faster.",
    lower_bound=2,
)
CELLS = flags.DEFINE_integer(
    "cells",
    None,
    "Cells of the supernet. In darts_cnn 8 by default; those at 1/3 and 2/3 halve the image. In "
    "nas_bench_201 15 by default, in three stages.",
    lower_bound=3,
)
TRAIN_PORTION = flags.DEFINE_float(
    "train_portion",
    0.5,
    "Share of the training images that trains the weights; the rest trains the architecture.",
)
WEIGHT_LEARNING_RATE = flags.DEFINE_float(
    "weight_learning_rate", None, "First learning rate of the weights; default: the method's."
)
ARCHITECTURE_LEARNING_RATE = flags.DEFINE_float(
    "architecture_learning_rate",
    None,
    "Learning rate of the architecture variables. Default: the paper's of the method; in a search "
    "of fewer steps than the paper's larger by as much, up to 0.03.",
)
PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "What the layers compute in; weights, architecture variables and losses stay float32. Not for "
    "the second-order term: see the README.",
)
JIT_COMPILE = flags.DEFINE_enum(
    "jit_compile",
    "auto",
    ["auto", "true", "false"],
    "Whether XLA compiles a step; auto: on GPUs. On a CPU it makes steps slower.",
)
KEEP_CHECKPOINTS = flags.DEFINE_integer(
    "keep_checkpoints", 3, "How many checkpoints stay in the folder.", lower_bound=1
)
EIGENVALUE_EVERY = flags.DEFINE_integer(
    "eigenvalue_every",
    10,
    "Epochs between two measurements of the largest eigenvalue of the validation loss' Hessian in "
    "the architecture, which grows before a search collapses; 0 for none.",
    lower_bound=0,
)
COST = flags.DEFINE_enum(
    "cost",
    None,
    [*expected_cost.KINDS, "snas_log"],
    "Adds the architecture's expected cost to the loss: parameters, flops (multiply-adds), "
    "latency, or snas, that paper's sum of parameters, flops and memory accesses, or snas_log, "
    "the mean of their logarithms.",
)
COST_WEIGHT = flags.DEFINE_float(
    "cost_weight",
    None,
    "With --cost: its weight in the loss, 0.1 by default. The unit is the cost of equal operation "
    "weights.",
)
LATENCY_TABLE = flags.DEFINE_string(
    "latency_table", None, "For --cost=latency: a file that train.latency wrote."
)


def size() -> tuple[int, int]:
    """Channels and cells, by default those of the space's macro network or the first stage."""
    channels, cells = macros.get(spaces.get(SPACE.value).macro).search_size
    if METHOD.value in methods.METHODS and methods.get(METHOD.value).stages:
        cells = methods.get(METHOD.value).stages[0].cells
    return (
        channels if CHANNELS.value is None else CHANNELS.value,
        cells if CELLS.value is None else CELLS.value,
    )


def only_gradient_flags() -> list:
    """The flags that mean nothing to a method without a gradient."""
    return [
        *(HYPERGRADIENT, EPOCHS, ARCHITECTURE_LEARNING_RATE, ACCUMULATE_STEPS, RECOMPUTE),
        *(COST, COST_WEIGHT, LATENCY_TABLE, EIGENVALUE_EVERY, *selection_flags.FLAGS),
        *(GRADIENT_OPTIONS, ENTROPY_WEIGHT, JIT_COMPILE, KEEP_CHECKPOINTS),
    ]


def refuse_training_flags() -> None:
    """Refuses, for a method that trains no supernet, the flags of the training.

    Raises:
        UserError: names the flag.
    """
    others = (MEMORY_LIMIT, WEIGHT_LEARNING_RATE, PRECISION)
    for flag in (*only_gradient_flags(), *others):
        if flag.present:
            raise UserError(
                f"--{flag.name} has no meaning for the method {METHOD.value}, which trains nothing"
            )
    data_flags.refuse_augmentation(f"the method {METHOD.value}")
    if BATCH_SIZE.value == "auto":
        raise UserError(f"--batch_size=auto is for a method that trains, got {METHOD.value}")


def method() -> methods.Method | None:
    """The method with the flags' changes; None for a baseline."""
    if METHOD.value in baselines.BASELINES:
        return None
    changes = {}
    if HYPERGRADIENT.value is not None:
        changes["gradient"] = HYPERGRADIENT.value
    if GRADIENT_OPTIONS.value:
        changes["gradient_options"] = dict(map(_option, GRADIENT_OPTIONS.value))
    if ENTROPY_WEIGHT.value is not None:
        if not math.isfinite(ENTROPY_WEIGHT.value):
            raise UserError(f"--entropy_weight={ENTROPY_WEIGHT.value}: expected a number")
        changes["entropy_weight"] = ENTROPY_WEIGHT.value
    method = methods.get(METHOD.value)
    if (first := positive(WEIGHT_LEARNING_RATE)) is not None:
        last = method.weight_learning_rate[1] * first / method.weight_learning_rate[0]
        changes["weight_learning_rate"] = (first, last)
    if (rate := positive(ARCHITECTURE_LEARNING_RATE)) is not None:
        changes["architecture_learning_rate"] = rate
    method = stages.with_cells(dataclasses.replace(method, **changes), CELLS.value)
    method.check()
    return method


def _option(text: str) -> tuple:
    """The name and the value of `name=value`; a number, true, false, none or a word."""
    name, found, value = text.partition("=")
    if not (name and found and value):
        raise UserError(f"--gradient_options: got {text!r}, expected name=value")
    if value.lower() == "none":
        return name, None
    try:
        return name, reading.parse_json(value)
    except ValueError:
        return name, value


def positive(flag):
    """The flag's value, None if it was not given; anything but a number above 0 is refused."""
    if flag.value is not None and not 0 < flag.value < float("inf"):
        raise UserError(f"--{flag.name}={flag.value}: expected a number above 0")
    return flag.value


def config() -> dict:
    """All settings that decide the result: a run goes on only with the same ones."""
    own = (
        *(SPACE, METHOD, HYPERGRADIENT, EPOCHS, BATCH_SIZE, MEMORY_LIMIT, CHANNELS, CELLS),
        *(TRAIN_PORTION, WEIGHT_LEARNING_RATE, ARCHITECTURE_LEARNING_RATE, ACCUMULATE_STEPS),
        PRECISION,
        *(COST, COST_WEIGHT, LATENCY_TABLE, *found.FLAGS, *baseline_search.FLAGS),
        *(GRADIENT_OPTIONS, ENTROPY_WEIGHT),
        *stages.FLAGS,
        *selection_flags.FLAGS,
    )
    settings = {f.name: f.value for f in own}
    settings["channels"], settings["cells"] = size()
    if LATENCY_TABLE.value is not None:
        settings["latency_table_sha256"] = fingerprint.hash_file(LATENCY_TABLE.value)
    return {"program": "search", **settings, **data_flags.config()}


def check_cost() -> None:
    """Refuses flags of the cost that mean nothing together, or whose table cannot be read.

    Raises:
        UserError: names the flag.
    """
    if COST.value is None:
        for flag in (COST_WEIGHT, LATENCY_TABLE):
            if flag.value is not None:
                raise UserError(f"--{flag.name} has no meaning without --cost")
        return
    if not 0 <= _cost_weight() < float("inf"):
        raise UserError(f"--cost_weight={_cost_weight()}: expected 0 or a number above it")
    if COST.value == "latency":
        if LATENCY_TABLE.value is None:
            raise UserError(
                "--cost=latency needs --latency_table; python -m train.latency measures one"
            )
        from darts_tf.costs.latency import Latencies

        Latencies.load(LATENCY_TABLE.value)


def _cost_weight() -> float:
    return 0.1 if COST_WEIGHT.value is None else COST_WEIGHT.value


def penalty(supernet, size):
    """What --cost adds to the loss, None without.

    Args:
        supernet: its operation weights are what the cost is expected over.
        size: (image shape, classes, channels, cells).
    """
    check_cost()
    if COST.value is None:
        return None
    weight = _cost_weight()
    if COST.value == "snas_log":
        return log_cost.table(SPACE.value, *size).penalty(supernet.space, weight)
    latencies = None
    if COST.value == "latency":
        from darts_tf.costs.latency import Latencies

        latencies = Latencies.load(LATENCY_TABLE.value)
    measure = expected_cost.measure(COST.value, latencies)
    mean = COST.value == "snas"
    table = expected_cost.table(SPACE.value, *size, measure=measure, mean=mean)
    return table.penalty(supernet.space, weight)
