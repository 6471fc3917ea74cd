"""Loss and accuracy of a supernet whose cells compute with given operation weights."""

from collections.abc import Callable, Iterable

import keras
import numpy as np
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.common.lengths import refuse_endless
from darts_tf.runtime.grappler import without_grappler
from darts_tf.supernets.given_values import given_values
from darts_tf.supernets.supernet import Supernet


class SupernetEvaluation:
    """A supernet as a function of operation weights, on fixed batches.

    Batch normalisation uses the statistics of the batch, because the moving ones are those of no
    single architecture (as in DARTS-PT, Wang et al., ICLR 2021). Measuring them for each would cost
    as much again and ranks alike (Kendall's tau 0.89 for 24 cells). Nothing that belongs to the
    supernet changes. Each of the two functions is traced once.

    Args:
        supernet: its weights, and what its relaxation gives the cells besides operation weights,
            are read in every call.
        batches: of (images, labels), with an end.
        loss: `(labels, logits) -> [batch]`; default: cross-entropy of integer labels.

    Attributes:
        forward: number of images that were evaluated.
        backward: number of images whose loss was differentiated.

    Raises:
        UserError: the batches have no end; (when called) there is none.
    """

    def __init__(self, supernet: Supernet, batches: Iterable, loss: Callable | None = None):
        refuse_endless("validation data", batches)
        self.forward = self.backward = 0
        self._supernet = supernet
        self._batches = batches
        self._loss = loss or keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=None, dtype="float32"
        )
        self._sums = tf.function(self._sum, autograph=False, reduce_retracing=True)
        self._slopes = tf.function(self._differentiate, autograph=False, reduce_retracing=True)

    def loss(self, rows) -> float:
        """The mean loss with the operation weights `rows`, cell type -> `[edges, operations]`."""
        return self._means(rows)[0]

    def accuracy(self, rows, batches: Iterable | None = None) -> float:
        """The share of the images, of `batches` if given, that are classified rightly."""
        return self._means(rows, batches)[1]

    @without_grappler()
    def gradients(self, rows) -> dict[str, np.ndarray]:
        """The gradient of the mean loss in every operation weight, shaped as `rows`."""
        rows, images, sums = _tensors(rows), 0, None
        for batch in self._batches:
            found = {name: value.numpy() for name, value in self._slopes(rows, *batch).items()}
            sums = found if sums is None else {name: sums[name] + found[name] for name in sums}
            images += len(batch[1])
        _refuse_nothing(images)
        self.backward += images
        return {name: value / images for name, value in sums.items()}

    @without_grappler()
    def _means(self, rows, batches=None) -> np.ndarray:
        """Mean loss and accuracy."""
        rows, images, sums = _tensors(rows), 0, np.zeros(2)
        for batch in self._batches if batches is None else batches:
            sums += self._sums(rows, *batch).numpy()
            images += len(batch[1])
        _refuse_nothing(images)
        self.forward += images
        return sums / images

    def _logits(self, rows, images):
        weights = {}
        for cell_type, whole in self._supernet.architecture.cell_weights().items():
            of_cell = (rows[cell_type], *whole[1:]) if isinstance(whole, tuple) else rows[cell_type]
            weights[cell_type] = of_cell
        # An auxiliary skip connection is no part of the cell that is selected.
        auxiliary = self._supernet.architecture.auxiliary_skip
        given = [] if auxiliary is None else [(auxiliary, tf.zeros(()))]
        # What a forward pass in training mode writes stays in the scope.
        with given_values(self._supernet, others=given):
            return self._supernet(images, training=True, weights=weights)

    def _sum(self, rows, images, labels):
        logits = self._logits(rows, images)
        hits = tf.argmax(logits, axis=-1) == tf.cast(labels, tf.int64)
        loss = tf.reduce_sum(self._loss(labels, logits))
        return tf.stack([loss, tf.reduce_sum(tf.cast(hits, loss.dtype))])

    def _differentiate(self, rows, images, labels):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            loss = tf.reduce_sum(self._loss(labels, self._logits(rows, images)))
        return tape.gradient(loss, rows, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _tensors(rows) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value, tf.float32) for name, value in rows.items()}


def _refuse_nothing(images: int) -> None:
    if not images:
        raise UserError("the validation data hold no whole batch; use a smaller batch size")
