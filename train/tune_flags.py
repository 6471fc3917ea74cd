"""The configuration of train.tune, and what has no meaning in it."""

import dataclasses
from typing import ClassVar

from darts_tf import macros, methods, spaces
from darts_tf.common.errors import UserError
from train import data_flags, fields, limits
from train.data_flags import TaskConfig
from train.results import TableConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuneConfig(TaskConfig, TableConfig):
    """Several searches, or trainings of cells, of which the best counts."""

    task_defaults: ClassVar[dict[str, dict]] = {
        "language_model": {
            **TaskConfig.task_defaults["language_model"],
            **{"space": "darts_rnn", "search_channels": ("64",), "channels": ("128",)},
            **{"search_epochs": ("3",), "weight_learning_rate": ("5.0",)},
        },
        "forecasting": {
            **TaskConfig.task_defaults["forecasting"],
            **{"space": "darts_rnn", "search_channels": ("32",), "channels": ("32",)},
            **{"search_epochs": ("20",), "epochs": 200},
        },
    }

    tuner: str = fields.choice(
        "architecture",
        ["architecture", "random", "bayesian", "hyperband", "grid"],
        "architecture: a trial is a differentiable search and a training of its cell's network; "
        "the others are Keras Tuner's own, whose trials train networks of cells that they chose.",
    )
    output_dir: str | None = fields.text(None, "The folder that the tuner writes to.")
    trials: int = fields.integer(
        10,
        "The greatest number of trials; hyperband decides by --epochs how many it makes.",
        lower_bound=1,
    )
    epochs: int = fields.integer(
        20,
        "Epochs to train a trial's network; with hyperband, those of the longest training.",
        lower_bound=1,
    )
    space: str = fields.choice(
        "darts_cnn",
        spaces.names(searchable_only=True, kind=None),
        "The search space; darts_rnn on texts and series.",
    )
    batch_size: int = fields.integer(64, "Images in a batch.", lower_bound=1)
    validation_portion: float = fields.number(
        0.2, "Share of the training images that scores the trials' networks."
    )
    channels: tuple[str, ...] | None = fields.words(
        None,
        "Channels of the first cell of a trial's network; by default the space's own (36 in "
        "darts_cnn). Several, such as 8,16, are tuned, but not by --tuner=architecture.",
    )
    cells: tuple[str, ...] | None = fields.words(None, "Its cells, likewise (20 in darts_cnn).")
    learning_rate: tuple[str, ...] = fields.words(
        ["0.001"],
        "Not for --tuner=architecture: of Adam; two, the least and the greatest, are tuned.",
    )
    method: tuple[str, ...] = fields.words(
        ["darts-v1"], "For --tuner=architecture: the search method; several are tuned."
    )
    search_epochs: tuple[str, ...] = fields.words(
        ["25"], "For --tuner=architecture: epochs of the search; several are tuned."
    )
    search_channels: tuple[str, ...] | None = fields.words(
        None,
        "For --tuner=architecture: channels of the supernet's first cell, 16 by default; several "
        "are tuned.",
    )
    search_cells: tuple[str, ...] | None = fields.words(
        None, "For --tuner=architecture: cells of the supernet (8 in darts_cnn); several are tuned."
    )
    weight_learning_rate: tuple[str, ...] | None = fields.words(
        None,
        "For --tuner=architecture: first learning rate of the supernet's weights, by default the "
        "method's; two, the least and the greatest, are tuned.",
    )
    architecture_learning_rate: tuple[str, ...] | None = fields.words(
        None,
        "For --tuner=architecture: learning rate of the architecture variables, by default as in "
        "train.search; two, the least and the greatest, are tuned.",
    )

    def counts(self, name: str) -> list[int] | None:
        """The whole numbers of a setting, None if it was not given.

        Raises:
            UserError: it is something else.
        """
        words = getattr(self, name)
        try:
            numbers = [int(text) for text in words or ()]
            if words == () or not all(number > 0 for number in numbers):
                raise ValueError
            for number in numbers:
                limits.check(name, number)
        except UserError:
            raise
        except ValueError:
            raise UserError(
                f"--{name}={','.join(words)}: expected a whole number above 0, or several "
                "separated by commas"
            ) from None
        return numbers or None

    def rates(self, name: str) -> float | tuple[float, float] | None:
        """A learning rate, or the least and the greatest; None if it was not given.

        Raises:
            UserError: it is something else.
        """
        words = getattr(self, name)
        try:
            numbers = tuple(float(text) for text in words or ())
            in_order = 0 < numbers[0] < numbers[-1] if len(numbers) == 2 else numbers > (0,)
            if words is not None and not (len(numbers) in (1, 2) and in_order):
                raise ValueError
        except ValueError:
            raise UserError(
                f"--{name}={','.join(words)}: expected a number above 0, or the least "
                "and the greatest separated by a comma"
            ) from None
        return numbers[0] if len(numbers) == 1 else numbers or None

    def size(self) -> tuple[int, int]:
        """The first of --channels and of --cells, by default those of the space's macro network."""
        sizes = macros.get(spaces.get(self.space).macro).network_size
        return tuple(
            default if self.counts(name) is None else self.counts(name)[0]
            for name, default in zip(("channels", "cells"), sizes, strict=True)
        )

    def decisive(self) -> dict:
        """All settings that decide the result: a tuner goes on only with the same ones."""
        own = (
            *("tuner", "trials", "epochs", "space", "batch_size", "validation_portion"),
            *("channels", "cells", "learning_rate", *_OF_ARCHITECTURE, "benchmark_table"),
        )
        return {"program": "tune", **self.values(own), **super().decisive()}


# There is one cell, and the data come with a part that scores.
_OF_IMAGES = ("cells", "search_cells", "validation_portion", "benchmark_table")
_OF_ARCHITECTURE = (
    *("method", "search_epochs", "search_channels", "search_cells"),
    *("weight_learning_rate", "architecture_learning_rate"),
)


def check(config: TuneConfig) -> None:
    """Refuses what is missing, out of its range or without effect.

    Raises:
        UserError: names the flag.
    """
    if not config.output_dir:
        raise UserError("--output_dir is missing; give the folder that the tuner writes to")
    if data_flags.check_space(config):
        config.refuse_given(_OF_IMAGES, f"has no meaning for the task {config.task}")
        if config.tuner != "architecture":
            raise UserError(
                f"--tuner={config.tuner} compares networks for images; for --task={config.task} "
                "give --tuner=architecture, whose trials search"
            )
    elif config.task != "image_classification" and config.tuner != "architecture":
        raise UserError(
            f"--tuner={config.tuner} ranks networks by their accuracy, which --task={config.task} "
            "has not: give --tuner=architecture, whose trials search"
        )
    tuner = config.tuner
    others = ("learning_rate",) if tuner == "architecture" else _OF_ARCHITECTURE
    others = (*others, *(("trials",) if tuner == "hyperband" else ()))
    config.refuse_given(others, f"has no meaning for --tuner={tuner}; leave it out")
    if not 0 < config.validation_portion < 1:
        raise UserError(
            f"--validation_portion={config.validation_portion}: expected a number between 0 and 1"
        )
    for name in config.method:
        methods.get(name)
    for name, words in config.values(("channels", "cells")).items():
        if tuner == "architecture" and len(words or ()) > 1:
            raise UserError(
                f"--{name}={','.join(words)}: --tuner=architecture takes one size of its "
                f"networks; it tunes --search_{name}"
            )
    for name in ("channels", "cells", "search_epochs", "search_channels", "search_cells"):
        config.counts(name)
    for name in ("learning_rate", "weight_learning_rate", "architecture_learning_rate"):
        config.rates(name)
