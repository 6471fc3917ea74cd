"""The data of a program: which task they are for, and where they come from."""

import dataclasses
from typing import ClassVar, Self, TypeVar

import train.startup  # noqa: F401  TensorFlow is first imported here

from darts_tf import spaces
from darts_tf.common.registry import Registry
from train import fields
from train.image_flags import ImageConfig
from train.images import Images
from train.labelled_images import MultiLabelImages, RegressionImages
from train.series import EMBEDDED as EMBEDDED_SERIES
from train.series import Series, SeriesConfig
from train.task_data import TaskData
from train.texts import EMBEDDED, TextConfig, Texts

#: Task -> the class of its data.
SOURCES = Registry(
    "task",
    {
        "image_classification": Images,
        "multi_label_classification": MultiLabelImages,
        "image_regression": RegressionImages,
        "language_model": Texts,
        "forecasting": Series,
    },
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig(ImageConfig):
    """Which data are used, and what is done to them."""

    #: The task of programs that know a single one; see `TaskConfig`.
    task: ClassVar[str] = "image_classification"

    dataset: str = fields.text(
        "digits",
        "The images: digits (built in), a name of TensorFlow Datasets (such as cifar10, with "
        "--data_dir), a folder with a sub-folder for every class or, of other tasks, with "
        "labels.csv, or an .npz file. The text: "
        f"{EMBEDDED} (built in), a name of TensorFlow Datasets (such as tiny_shakespeare), a "
        "folder with train.txt, valid.txt and test.txt, or a text file. The series: "
        f"{EMBEDDED_SERIES} (built in), or a file with numbers in columns, which gzip may have "
        "packed.",
    )
    seed: int = fields.integer(
        0, "Fixes all random choices: the same seed gives the same result.", lower_bound=0
    )

    def without_meaning(self) -> list[str]:
        """The names of the flags that are for the data of other tasks."""
        own = SOURCES.named(self.task).flags
        others = {flag for source in SOURCES.values() for flag in source.flags} - {*own}
        return [name for name in self.names() if name in others]

    def decisive(self) -> dict:
        """The settings that decide a result, JSON-ready, once the data are loaded."""
        return self.values(("dataset", *SOURCES.named(self.task).flags, "seed"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskConfig(DataConfig, TextConfig, SeriesConfig):
    """The data, for a task that the user chooses.

    Attributes:
        task_defaults: task -> settings whose defaults are others for it.
    """

    task_defaults: ClassVar[dict[str, dict]] = {
        "language_model": {"dataset": EMBEDDED},
        "forecasting": {"dataset": EMBEDDED_SERIES},
    }

    task: str = fields.choice(
        "image_classification",
        list(SOURCES),
        "What is learned; it decides the data, the loss, and what networks are ranked by.",
    )

    def of_task(self) -> Self:
        """The configuration with the defaults of its task where the user gave nothing."""
        defaults = self.task_defaults.get(self.task, {})
        unset = {name: value for name, value in defaults.items() if name not in self.given}
        return dataclasses.replace(self, **unset)

    def decisive(self) -> dict:
        return {"task": self.task, **super().decisive()}


C = TypeVar("C", bound=DataConfig)


def load(config: C) -> tuple[C, TaskData]:
    """Loads the data of the task; see `TaskData.load`.

    Raises:
        UserError: a flag was given that is for data of other tasks, or the data cannot be used.
    """
    config.refuse_given(config.without_meaning(), f"has no meaning for the task {config.task}")
    return SOURCES.named(config.task).load(config)


def check_space(config: TaskConfig) -> bool:
    """Refuses a space whose cells are of a kind that the task has no networks of.

    Args:
        config: it has a `space`.

    Returns:
        Whether the task's networks are made of recurrent cells.

    Raises:
        UserError: names spaces of the right kind.
    """
    kinds, space = SOURCES.named(config.task).kinds, spaces.get(config.space)
    if kinds:
        spaces.check_kind(space, kinds, f"--task={config.task}")
    return "recurrent" in kinds


def refuse_augmentation(config: DataConfig, where: str) -> None:
    """Refuses the flags that change training images, where nothing is trained.

    Args:
        config: it must not have been given them.
        where: the program or the method, for the message.

    Raises:
        UserError: names the flag.
    """
    config.refuse_given(
        ("flip", "crop", "augment", "class_weights", "sampling"),
        f"has no meaning for {where}, which trains nothing",
    )
