"""The configuration of train.benchmark."""

import dataclasses
from typing import Self

from darts_tf import macros, methods, spaces
from train import fields
from train.config import Config
from train.peers import commands


@dataclasses.dataclass(frozen=True, kw_only=True)
class BenchmarkConfig(Config):
    """The measurement to make, and how."""

    task: str = fields.choice(
        "image_classification",
        ["image_classification", "language_model"],
        "What is searched for: images of CIFAR-10's shape, or a text of random words.",
    )
    method: str = fields.choice(
        "darts-v1",
        [name for name, method in methods.METHODS.items() if method.has_supernet],
        "The search method; of p-darts it is the first stage that is measured.",
    )
    space: str = fields.choice(
        "darts_cnn",
        spaces.names(searchable_only=True, kind=None),
        "The search space; default of a text: darts_rnn.",
    )
    network: str | None = fields.text(
        None,
        "Measure a training step of the network of this cell (a genotype.json, or the name of a "
        "published cell such as DARTS_V2) instead of a search.",
    )
    auxiliary: bool = fields.switch(True, "Give that network its auxiliary head.")
    channels: int | None = fields.integer(
        None,
        "Channels of the first cell; default 16, with --network 36. Units of a text's network; "
        "default 300.",
        lower_bound=2,
    )
    cells: int | None = fields.integer(
        None, "Number of cells; default 8, with --network 20.", lower_bound=3
    )
    batch_size: int = fields.integer(
        16, "Images in a batch; columns of a text, default 64.", lower_bound=1
    )
    vocabulary: int = fields.integer(10_000, "Different words of a text.", lower_bound=2)
    bptt: int = fields.integer(35, "Steps of a text's window.", lower_bound=1)
    image_size: int = fields.integer(32, "Height and width of an image.", lower_bound=4)
    stem: str = fields.choice(
        "cifar", macros.IMAGE_STEMS, "What stands before the first cell; see train.search."
    )
    precision: str = fields.choice(
        "float32",
        ["float32", "mixed_bfloat16", "mixed_float16", "float64"],
        "What is computed with; variables are float32, with float64 all but alphas are, too.",
    )
    batched: bool = fields.switch(
        True, "Compute the edges that leave a state together, or one by one."
    )
    recompute: bool = fields.switch(False, "See train.search.")
    threads: int | None = fields.integer(
        None, "CPU threads, an operation each; default: one for each core.", lower_bound=1
    )
    steps: int = fields.integer(10, "Steps to measure.", lower_bound=1)
    warmup: int = fields.integer(2, "Steps before them, after the first one.", lower_bound=0)
    estimate: bool = fields.switch(
        False, "Estimate the memory of a search too, as --batch_size=auto does."
    )
    compare: tuple[str, ...] = fields.texts(
        'Flags that differ, such as "--batched=false"; may be given several times.'
    )
    runs: int = fields.integer(5, "How often --compare runs each of them.", lower_bound=1)
    turns: int = fields.integer(
        1,
        "Above 1 the processes of a run live at the same time and measure their --steps in so many "
        "turns, so that start-up is paid once; the memory must be enough for all of them.",
        lower_bound=1,
    )
    takes_turns: int = fields.integer(
        1,
        "What --turns starts a process with: it measures its --steps so many times, each time "
        "after a line on the standard input.",
        lower_bound=1,
    )
    gradients: bool = fields.switch(
        False, "Measure one architecture step by every hypergradient, in one process."
    )
    peer: str | None = fields.choice(None, list(commands.NAMES), "Compare with this framework too.")
    peer_python: str | None = fields.text(
        None, "The Python that has the peer's framework; default: this one."
    )
    peer_layout: str = fields.choice(
        "auto",
        ["auto", *commands.LAYOUTS],
        "The peer's memory layout; auto tries both and keeps the faster.",
    )
    goals: bool = fields.switch(False, "Measure what this project promises about speed and memory.")
    grid: bool = fields.switch(
        False,
        "Measure how the cost grows with cells, channels and batch size; of a text with units, "
        "steps of a window and batch size.",
    )
    lower: str | None = fields.text(
        None,
        "Write the step into this folder as a program that scripts/run_lowered.py runs with JAX "
        "alone, with the values that --steps steps (default here 3) come to.",
    )
    output_dir: str | None = fields.text(
        None, "Where --goals and --grid write; --grid goes on with what is there."
    )
    json: bool = fields.switch(False, "Print all numbers as one line of JSON.")

    def of_task(self) -> Self:
        """The configuration with the defaults of its task where the user gave nothing.

        Raises:
            UserError: a flag was given that has no meaning for the task.
        """
        self.refuse_given(
            _others(self.task), f"has no meaning for --task={self.task}; leave it out"
        )
        unset = {k: v for k, v in _DEFAULTS[self.task].items() if k not in self.given}
        return dataclasses.replace(self, **unset)

    def without_other_tasks(self, task: str) -> Self:
        """The configuration as if the flags without a meaning for a task had not been given."""
        return dataclasses.replace(self, given=self.given.difference(_others(task)))


def _others(task: str) -> list[str]:
    """The flags that have a meaning for other tasks only."""
    return [name for other, names in _OF_TASK.items() if other != task for name in names]


# The flags that have a meaning for one task only.
_OF_TASK = {
    "image_classification": (
        *("network", "auxiliary", "cells", "image_size", "stem", "batched", "recompute"),
        *("estimate", "gradients", "goals", "peer_layout"),
    ),
    "language_model": ("vocabulary", "bptt"),
}
_DEFAULTS = {
    "image_classification": {},
    "language_model": {"space": "darts_rnn", "channels": 300, "batch_size": 64},
}

#: What is measured; the other flags say how.
CONFIGURATION = (
    *("task", "method", "space", "network", "auxiliary", "channels", "cells", "batch_size"),
    *("image_size", "stem", "vocabulary", "bptt"),
    *("precision", "batched", "recompute", "threads", "steps", "warmup", "estimate"),
)
