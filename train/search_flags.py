"""The flags of a search, without the devices that it runs on."""

import dataclasses
import math
from typing import ClassVar

from absl import flags

from darts_tf import baselines, gradients, levels, macros, methods, schedules, spaces
from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost
from darts_tf.datasets import fingerprint
from train import baseline_search, fields, search_parts, selection_flags, stages
from train.baseline_search import CandidateConfig
from train.data_flags import SOURCES, TaskConfig
from train.results import TableConfig
from train.search_parts import PartsConfig
from train.selection_flags import SelectionConfig
from train.stages import StageConfig


class _NumberOrAuto(flags.IntegerParser):
    """A whole number, or the word auto."""

    def parse(self, argument):
        return argument if argument == "auto" else super().parse(argument)


# A baseline of a user's own is a method too.
_METHODS = list(dict.fromkeys((*methods.METHODS, *baselines.BASELINES)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig(
    TaskConfig, CandidateConfig, TableConfig, StageConfig, SelectionConfig, PartsConfig
):
    """A search."""

    task_defaults: ClassVar[dict[str, dict]] = {
        "language_model": {
            **TaskConfig.task_defaults["language_model"],
            # A few minutes on two cores for the text that needs no file.
            **{"space": "darts_rnn", "method": "darts-v1", "channels": 64, "batch_size": 64},
            **{"epochs": 3, "weight_learning_rate": 5.0},
            # As in the literature: what comes last in the training text trains the architecture.
            "train_portion": 0.9,
        },
        "forecasting": {
            **TaskConfig.task_defaults["forecasting"],
            **{"space": "darts_rnn", "channels": 32, "epochs": 20},
            # Of the training and the validation part: as these are divided by default.
            "train_portion": 0.75,
        },
    }

    space: str = fields.choice(
        "darts_cnn",
        spaces.names(searchable_only=True, kind=None),
        "The search space; darts_rnn on texts and series.",
    )
    method: str = fields.choice(
        "darts-v2",
        _METHODS,
        "The search method; darts-v1 by default on texts. For a budget of time and limits of cost "
        "instead of a method there is python -m train.auto.",
    )
    hypergradient: str | None = fields.choice(
        None,
        list(gradients.names()),
        "How the loss reaches the architecture variables; by default what the method says.",
    )
    gradient_options: tuple[str, ...] | None = fields.words(
        None,
        "Options of the hypergradient as name=value, such as steps=2 for unrolled, radius=0.001 "
        "for finite_difference, samples=4,baseline_decay=none for score_function or "
        "edges=4,fresh=true for ram; see darts_tf.gradients.",
    )
    level_options: tuple[str, ...] | None = fields.words(
        None,
        "Options of the method's further levels as name=value, such as gamma=0.5, main_weight=0 "
        "(the lambda of tetlo), temperature=1, similarity=dot, hard=true or quadruples=32; see "
        "darts_tf.levels.",
    )
    rule_options: tuple[str, ...] | None = fields.words(
        None,
        "Options of the rule that a method follows, as name=value, such as patience=3, nodes=2, "
        "stages=4 or by=split+node for growing; see darts_tf.schedules.",
    )
    auxiliary: str | None = fields.text(
        None,
        "With tetlo: what learns beside the supernet: resnet (default), a small residual network; "
        "supernet, another one of the same space with an architecture of its own; or a .keras file "
        "of a model that gives features.",
    )
    entropy_weight: float | None = fields.number(
        None,
        "Weight of the operation weights' entropy (nats, summed over all edges) in the loss that "
        "they descend: above 0 makes them decide, below 0 keeps them open. Default: 0.",
    )
    output_dir: str | None = fields.text(None, "The folder that the search writes to.")
    epochs: int = fields.integer(
        50,
        "Epochs to search, 3 by default on texts; with p-darts of each of its stages.",
        lower_bound=1,
    )
    batch_size: int | str = fields.parsed_by(
        _NumberOrAuto(lower_bound=1),
        64,
        "Images in a training batch and in a validation batch, or columns of a text (64 by "
        "default); auto: as many images as fit --memory_limit.",
    )
    memory_limit: float | None = fields.number(
        None,
        "With --batch_size=auto: how much memory, in GB, the search may use; default: what is "
        "free.",
    )
    accumulate_steps: int = fields.integer(
        1,
        "Compute every batch in so many equal parts, one after another, which needs less memory. "
        "The gradients are those of the whole batch; batch normalisation sees one part at a time.",
        lower_bound=1,
    )
    recompute: bool = fields.switch(
        False,
        "Let gradients compute the operations of a cell again instead of keeping what is inside "
        "them: less memory, longer steps, the same result.",
    )
    channels: int | None = fields.integer(
        None,
        "Channels of the first cell, 16 by default, or the units of a recurrent cell, 64 by "
        "default; a smaller number is faster.",
        lower_bound=2,
    )
    cells: int | None = fields.integer(
        None,
        "Cells of the supernet. In darts_cnn 8 by default; those at 1/3 and 2/3 halve the image. "
        "In nas_bench_201 15 by default, in three stages.",
        lower_bound=3,
    )
    train_portion: float = fields.number(
        0.5,
        "Share of the training images or text (0.9 by default there) that trains the weights; the "
        "rest trains the architecture.",
    )
    weight_learning_rate: float | None = fields.number(
        None, "First learning rate of the weights; default: the method's, on texts 5."
    )
    architecture_learning_rate: float | None = fields.number(
        None,
        "Learning rate of the architecture variables. Default: the paper's of the method; in a "
        "search of fewer steps than the paper's larger by as much, up to 0.03.",
    )
    precision: str = fields.choice(
        "float32",
        ["float32", "mixed_bfloat16", "mixed_float16"],
        "What the layers compute in; weights, architecture variables and losses stay float32. Not "
        "for the second-order term: see docs/correctness.md.",
    )
    jit_compile: str = fields.choice(
        "auto",
        ["auto", "true", "false"],
        "Whether XLA compiles a step; auto: on GPUs. On a CPU it makes steps slower. For "
        "the same seed it draws other random numbers.",
    )
    keep_checkpoints: int = fields.integer(
        3, "How many checkpoints stay in the folder.", lower_bound=1
    )
    eigenvalue_every: int = fields.integer(
        10,
        "Epochs between two measurements of the largest eigenvalue of the validation loss' "
        "Hessian in the architecture, which grows before a search collapses; 0 for none.",
        lower_bound=0,
    )
    cost: str | None = fields.choice(
        None,
        [*expected_cost.KINDS, "snas_log"],
        "Adds the architecture's expected cost to the loss: parameters, flops (multiply-adds), "
        "latency, or snas, that paper's sum of parameters, flops and memory accesses, or snas_log, "
        "the mean of their logarithms.",
    )
    cost_weight: float | None = fields.number(
        None,
        "With --cost: its weight in the loss, 0.1 by default. The unit is the cost of equal "
        "operation weights.",
    )
    latency_table: str | None = fields.text(
        None, "For --cost=latency: a file that train.latency wrote."
    )

    def size(self) -> tuple[int, int]:
        """Channels and cells, by default those of the space's macro network or the first stage."""
        channels, cells = macros.get(spaces.get(self.space).macro).search_size
        if (method := methods.get(self.method)).stages:
            cells = stages.with_cells(self, method, self.cells).stages[0].cells
        return (
            channels if self.channels is None else self.channels,
            cells if self.cells is None else self.cells,
        )

    def make_method(self) -> methods.Method:
        """The method with the changes to it.

        Raises:
            UserError: it does not take them.
        """
        method, changes = methods.get(self.method, self.space), {}
        if (settings := SOURCES.named(self.task).search_settings) is not None:
            method = methods.get(self.method).with_settings(settings)
        if not method.has_supernet:
            return method
        if self.hypergradient is not None:
            if method.gradient is None:
                raise UserError(
                    f"--hypergradient={self.hypergradient} has no meaning for the method "
                    f"{self.method}, which takes no step of the architecture"
                )
            changes["gradient"] = self.hypergradient
        if self.gradient_options:
            changes["gradient_options"] = dict(map(_option, self.gradient_options))
        options = dict(_option(text, "level_options") for text in self.level_options or ())
        if self.auxiliary is not None:
            options["auxiliary"] = self.auxiliary
        if options:
            changes["levels"] = levels.with_options(method.levels, options)
        if rule := dict(_option(text, "rule_options") for text in self.rule_options or ()):
            changes["rule"] = schedules.with_options(method.rule, rule)
        if self.entropy_weight is not None:
            if not math.isfinite(self.entropy_weight):
                raise UserError(f"--entropy_weight={self.entropy_weight}: expected a number")
            changes["entropy_weight"] = self.entropy_weight
        if (first := self.positive("weight_learning_rate")) is not None:
            last = method.weight_learning_rate[1] * first / method.weight_learning_rate[0]
            changes["weight_learning_rate"] = (first, last)
        if (rate := self.positive("architecture_learning_rate")) is not None:
            changes["architecture_learning_rate"] = rate
        method = stages.with_cells(self, dataclasses.replace(method, **changes), self.cells)
        method.check()
        return method

    def positive(self, name: str) -> float | None:
        """A setting that is None or a number above 0.

        Raises:
            UserError: it is another number.
        """
        value = getattr(self, name)
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"--{name}={value}: expected a number above 0")
        return value

    def decisive(self) -> dict:
        """All settings that decide the result: a run goes on only with the same ones."""
        own = (
            *("space", "method", "hypergradient", "epochs", "batch_size", "memory_limit"),
            *("channels", "cells", "train_portion", "weight_learning_rate", *search_parts.NAMES),
            *("architecture_learning_rate", "accumulate_steps", "precision"),
            *("cost", "cost_weight", "latency_table", "benchmark_table", *baseline_search.NAMES),
            *("level_options", "auxiliary", "rule_options"),
            *("gradient_options", "entropy_weight", "stage_cells", *selection_flags.NAMES),
        )
        settings = self.values(own)
        settings["channels"], settings["cells"] = self.size()
        if self.cells is None and (method := methods.get(self.method)).stages:
            # What --stage_cells says stands beside it; runs of earlier versions have this.
            settings["cells"] = method.stages[0].cells
        if spaces.get(self.space).kind == "recurrent":
            # There is one, which --cells does not choose.
            del settings["cells"]
        if self.latency_table is not None:
            settings["latency_table_sha256"] = fingerprint.hash_file(self.latency_table)
        if self.auxiliary not in (None, *levels.AUXILIARIES):
            settings["auxiliary_sha256"] = fingerprint.hash_file(self.auxiliary)
        return {"program": "search", **settings, **super().decisive()}


def _option(text: str, flag: str = "gradient_options") -> tuple:
    """The name and the value of `name=value`; a number, true, false, none or a word."""
    name, found, value = text.partition("=")
    if not (name and found and value):
        raise UserError(f"--{flag}: got {text!r}, expected name=value")
    if value.lower() == "none":
        return name, None
    try:
        return name, reading.parse_json(value)
    except ValueError:
        return name, value
