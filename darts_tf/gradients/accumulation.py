"""Gradients of a large batch, computed for one micro-batch after another: less memory, same value.

A mean over the examples is the mean of the means over equal parts, the micro-batches. Where
examples of a batch depend on each other, as in batch normalisation, each is normalised by itself.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from darts_tf.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class AccumulatedLoss:
    """A loss `(point, batch)` of a level whose gradients come in micro-batches.

    `gradients_of` computes them so. Called by itself it is the loss of the whole batch.

    Attributes:
        loss: a mean over the examples of a batch. It also takes `micro_batch`, its
            number as an int32 scalar, by which micro-batches may have different random numbers.
        micro_batches: their number; they must be equally large.
    """

    loss: Callable[..., Any]
    micro_batches: int

    def __call__(self, point, batch):
        return self.loss(point, batch)

    def of_micro_batch(self, number: tf.Tensor) -> Callable[[Any, Any], Any]:
        """The loss of a micro-batch."""
        return functools.partial(self.loss, micro_batch=number)


def mean_over_micro_batches(function: Callable, batch, micro_batches: int):
    """Runs a function on every micro-batch of a batch, never on two at once.

    Args:
        function: from a micro-batch and its number, an int32 scalar, to a pair: a structure of
            tensors, and another one whose tensors have its examples as their first axis, or None.
        batch: a structure of tensors `[examples, ..]`.
        micro_batches: their number.

    Returns:
        The mean of the first result over the micro-batches, of integers (such as the state of a
        random generator) the last one; and the second result of all examples, in order.

    Raises:
        UserError: they would not be equally large.
    """
    split = tf.nest.map_structure(lambda x: _split(x, micro_batches), batch)
    total, of_examples = None, []
    for i in range(micro_batches):
        # Else the next one might start before this one has given its memory back.
        with tf.control_dependencies([] if total is None else tf.nest.flatten(total)):
            micro_batch = tf.nest.map_structure(lambda x, i=i: tf.identity(x[i]), split)
        values, row = function(micro_batch, tf.constant(i))
        of_examples.append(row)
        total = values if total is None else tf.nest.map_structure(_add, total, values)
    mean = tf.nest.map_structure(lambda x: x / micro_batches if x.dtype.is_floating else x, total)
    return mean, tf.nest.map_structure(_join, *of_examples)


def _add(total, value):
    return total + value if value.dtype.is_floating else value


def _join(*of_examples):
    return None if of_examples[0] is None else tf.concat(of_examples, 0)


def _split(tensor, micro_batches):
    size = tensor.shape[0]
    if size is not None and size % micro_batches:
        raise UserError(
            f"a batch of {size} examples cannot be computed in {micro_batches} equal parts; "
            "choose a batch size that is a multiple of it"
        )
    return tf.reshape(
        tensor, [micro_batches, -1 if size is None else size // micro_batches, *tensor.shape[1:]]
    )
