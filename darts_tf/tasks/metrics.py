"""What a task measures, and by which of these numbers networks are ranked."""

import dataclasses
from collections.abc import Callable

import keras

from darts_tf.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class Objective:
    """The number that ranks epochs, candidates and trials.

    Attributes:
        name: of a metric of the task, or "loss".
        larger_is_better: its direction.
    """

    name: str
    larger_is_better: bool

    @property
    def direction(self) -> str:
        """ "max" or "min", as Keras Tuner calls it."""
        return "max" if self.larger_is_better else "min"

    def score(self, value: float) -> float:
        """The value, its sign turned where smaller is better: more is always better."""
        return value if self.larger_is_better else -value


@dataclasses.dataclass(frozen=True)
class Metric:
    """A number that is measured over the batches of a pass.

    Attributes:
        name: as logs, files and plots call it; not "loss", which every task has.
        make: `(name=..., dtype=...) -> keras.metrics.Metric`, such as the metric's class. What it
            makes is given targets, outputs and, where the task has them, weights.
        larger_is_better: its direction.
        share: whether it is one of all, from 0 to 1, which plots show in per cent.

    Raises:
        UserError: the name is "loss".

    Example:
        >>> Metric("mean_absolute_error", keras.metrics.MeanAbsoluteError, larger_is_better=False)
    """

    name: str
    make: Callable[..., keras.metrics.Metric]
    larger_is_better: bool
    share: bool = False

    def __post_init__(self):
        if self.name == "loss":
            raise UserError("a metric is named 'loss', as the loss is; choose another name")

    def __call__(self, dtype: str = "float32") -> keras.metrics.Metric:
        """A new Keras metric, whose sums are of this type."""
        return self.make(name=self.name, dtype=dtype)

    @property
    def title(self) -> str:
        """The heading of a plot."""
        return self.name.replace("_", " ").capitalize()


class MeanLoss(keras.metrics.Metric):
    """The mean loss of a counted element over the batches of a pass, from sums and counts."""

    def __init__(self, name: str = "loss", dtype="float32"):
        super().__init__(name=name, dtype=dtype)
        self.total, self.count = (
            self.add_variable((), initializer="zeros", name=name) for name in ("total", "count")
        )

    def update_state(self, total, count):
        """Adds the sum of a batch's losses and the number of its elements."""
        self.total.assign_add(keras.ops.cast(total, self.dtype))
        self.count.assign_add(keras.ops.cast(count, self.dtype))

    def result(self):
        return keras.ops.divide_no_nan(self.total, self.count)
