"""The result of one evaluation of a supernet."""

from typing import Any, NamedTuple

import tensorflow as tf


class ForwardPass(NamedTuple):
    """The result of one functional evaluation of the supernet.

    Attributes:
        loss: this replica's share of the mean loss of the global batch, in float32 or better.
        penalty: this replica's share of what is added to the loss.
        regularization: this replica's share of what the layers add to the loss that the weights
            descend, such as slowness; None where they add nothing.
        outputs: of the supernet, such as logits `[batch, classes]`.
        statistics: new values of the supernet's other variables (moving statistics and random
            state), in the order of `SupernetProblem.statistics`.
        carried: the state after the batch, of a task that carries one; None for others.
    """

    loss: tf.Tensor
    penalty: tf.Tensor
    outputs: Any
    statistics: list[tf.Tensor]
    carried: Any = None
    regularization: tf.Tensor | None = None

    @property
    def descended(self) -> tf.Tensor:
        """This replica's share of the loss that the weights descend."""
        return self.loss if self.regularization is None else self.loss + self.regularization
