"""Gradients of a large batch, computed for one part of it after another: less memory, same value.

A mean over the examples is the mean of the means over equal parts. Where examples of a batch depend
on each other, as in batch normalisation, each part is normalised by itself.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from darts_tf.common.errors import UserError


@dataclasses.dataclass(frozen=True)
class AccumulatedLoss:
    """A loss `(point, batch)` of a level whose gradients come in equal parts.

    `gradients_of` computes them so. Called by itself it is the loss of the whole batch.

    Attributes:
        loss: a mean over the examples of a batch. It also takes `part`, the number of a part as an
            int32 scalar, by which parts may have different random numbers.
        parts: number of parts; they must be equally large.
    """

    loss: Callable[..., Any]
    parts: int

    def __call__(self, point, batch):
        return self.loss(point, batch)

    def of_part(self, number: tf.Tensor) -> Callable[[Any, Any], Any]:
        """The loss of a part."""
        return functools.partial(self.loss, part=number)


def mean_over_parts(function: Callable, batch, parts: int):
    """Runs a function on every part of a batch, never on two at once.

    Args:
        function: from a part and its number, an int32 scalar, to a pair: a structure of tensors,
            and another one whose tensors have the part's examples as their first axis, or None.
        batch: a structure of tensors `[examples, ..]`.
        parts: number of parts.

    Returns:
        The mean of the first result over the parts, of integers (such as the state of a random
        generator) the last one; and the second result of all examples, in order.

    Raises:
        UserError: the parts would not be equally large.
    """
    split = tf.nest.map_structure(lambda x: _split(x, parts), batch)
    total, rows = None, []
    for i in range(parts):
        # Else the next part might start before this one has given its memory back.
        with tf.control_dependencies([] if total is None else tf.nest.flatten(total)):
            part = tf.nest.map_structure(lambda x, i=i: tf.identity(x[i]), split)
        values, row = function(part, tf.constant(i))
        rows.append(row)
        total = values if total is None else tf.nest.map_structure(_add, total, values)
    mean = tf.nest.map_structure(lambda x: x / parts if x.dtype.is_floating else x, total)
    return mean, tf.nest.map_structure(_join, *rows)


def _add(total, value):
    return total + value if value.dtype.is_floating else value


def _join(*rows):
    return None if rows[0] is None else tf.concat(rows, 0)


def _split(tensor, parts):
    size = tensor.shape[0]
    if size is not None and size % parts:
        raise UserError(
            f"a batch of {size} examples cannot be computed in {parts} equal parts; "
            "choose a batch size that is a multiple of it"
        )
    return tf.reshape(tensor, [parts, -1 if size is None else size // parts, *tensor.shape[1:]])
