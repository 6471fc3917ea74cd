"""Metrics of a task, and the objective by which networks are ranked."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

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

    def score(self, value: float | None) -> float:
        """The value, its sign turned where smaller is better: more is always better.

        No number, None or NaN, is the worst value.
        """
        if value is None or math.isnan(value):
            return -math.inf
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
        >>> Metric("top_5", keras.metrics.SparseTopKCategoricalAccuracy, True, share=True)
        >>> Metric.mean("error", lambda targets, outputs: abs(targets - outputs), False)
    """

    name: str
    make: Callable[..., keras.metrics.Metric]
    larger_is_better: bool
    share: bool = False

    def __post_init__(self):
        if self.name == "loss":
            raise UserError("a metric is named 'loss', as the loss is; choose another name")

    @classmethod
    def mean(
        cls, name: str, values: Callable, larger_is_better: bool, share: bool = False
    ) -> "Metric":
        """The mean of a function over all elements; see `ElementMean`."""
        return cls(name, functools.partial(ElementMean, values), larger_is_better, share)

    def __call__(self, dtype: str = "float32") -> keras.metrics.Metric:
        """A new Keras metric, whose sums are of this type."""
        return self.make(name=self.name, dtype=dtype)

    @property
    def title(self) -> str:
        """The heading of a plot."""
        return self.name.replace("_", " ").capitalize()


class MeanLoss(keras.metrics.Metric):
    """The mean of counted elements over the batches of a pass, from sums and counts."""

    def __init__(self, name: str = "loss", dtype="float32"):
        super().__init__(name=name, dtype=dtype)
        self.total, self.count = (
            self.add_variable((), initializer="zeros", dtype=self.dtype, name=part)
            for part in ("total", "count")
        )

    def update_state(self, total, count):
        """Adds the sum of a batch's losses and the number of its elements."""
        self.total.assign_add(keras.ops.cast(total, self.dtype))
        self.count.assign_add(keras.ops.cast(count, self.dtype))

    def result(self):
        return keras.ops.divide_no_nan(self.total, self.count)


class ElementMean(MeanLoss):
    """The mean of a function's values over all elements that count.

    Keras' own metrics take the last axis of targets as that of features, and count examples.

    Args:
        values: `(targets, outputs) -> [batch]` or, of sequences, `[batch, time]`.
        name: of the metric.
        dtype: of its sums.
    """

    def __init__(self, values: Callable, name: str = "mean", dtype="float32"):
        super().__init__(name=name, dtype=dtype)
        self._values = values

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the elements of a batch."""
        values = tf.cast(self._values(y_true, y_pred), self.dtype)
        super().update_state(*counted(values, sample_weight))


def elements(targets, sample_weights=None, rank: int = 1) -> tf.Tensor:
    """How many elements a batch has, as `counted` counts them, without its losses.

    Args:
        targets: of a batch, a structure of tensors. The losses have the first axes of the first.
        sample_weights: as for `counted`.
        rank: of the losses, 1 for `[batch]`, 2 for `[batch, time]`.

    Returns:
        A float32 scalar.
    """
    shaped = tf.convert_to_tensor(tf.nest.flatten(targets)[0])
    if sample_weights is not None and sample_weights.shape.rank > min(rank, shaped.shape.rank):
        shaped, rank = sample_weights, sample_weights.shape.rank
    return counted(tf.ones(tf.shape(shaped)[:rank]), sample_weights)[1]


def counted(values: tf.Tensor, sample_weights=None) -> tuple[tf.Tensor, tf.Tensor]:
    """The sum of values and how many they are.

    Args:
        values: `[batch]` or, of sequences, `[batch, time]`.
        sample_weights: of the examples, `[batch]`, or shaped as the values; 0 for what is masked,
            whether it is a number or not. None where all count alike.

    Returns:
        Two scalars of the values' type.
    """
    if sample_weights is None:
        return tf.reduce_sum(values), tf.cast(tf.size(values), values.dtype)
    counts = tf.cast(sample_weights, values.dtype)
    missing = values.shape.rank - counts.shape.rank
    counts = tf.reshape(counts, tf.concat([tf.shape(counts), [1] * missing], 0))
    counts = tf.broadcast_to(counts, tf.shape(values))
    return tf.reduce_sum(tf.math.multiply_no_nan(values, counts)), tf.reduce_sum(counts)


def measured(metrics: Iterable[Metric], targets, outputs) -> dict[str, float]:
    """Metrics of outputs that are all at hand, by their names, computed in float64.

    Args:
        metrics: of a task.
        targets, outputs: arrays `[examples, ...]`, as a batch has them.
    """
    found = {}
    for metric in metrics:
        made = metric("float64")
        made.update_state(np.asarray(targets), np.asarray(outputs))
        found[metric.name] = float(made.result())
    return found
