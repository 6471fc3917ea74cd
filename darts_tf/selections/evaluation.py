"""Loss and objective of a supernet whose cells compute with given operation weights."""

import contextlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.common.lengths import refuse_endless
from darts_tf.runtime import recalibration
from darts_tf.runtime.grappler import without_grappler
from darts_tf.supernets.given_values import given_values
from darts_tf.supernets.supernet import Supernet


class SupernetEvaluation:
    """A supernet as a function of operation weights, on fixed batches.

    Batch normalisation uses the statistics of the batch, because the moving ones are those of no
    single architecture (as in DARTS-PT, Wang et al., ICLR 2021). Measuring them for each costs
    as much again and ranks alike (Kendall's tau 0.89 for 24 cells); `statistics` does so. Nothing
    that belongs to the supernet changes. Each of the two functions is traced once.

    Args:
        supernet: its weights, and what its relaxation gives the cells besides operation weights,
            are read in every call.
        batches: of the task, such as (images, labels), with an end.
        loss: `(targets, outputs) -> [batch]` in place of the task's; None for that.
        task: see `darts_tf.tasks`; default: the classification of images.
        statistics: inputs, in batches, on which the moving statistics of each architecture are
            measured before it is evaluated in inference mode by them (Guo et al., Single Path
            One-Shot NAS, ECCV 2020, section 3.4); an empty sequence for those that the supernet
            has. None for the statistics of the batch.

    Attributes:
        forward: number of examples that were evaluated.
        backward: number of examples whose loss was differentiated.

    Raises:
        UserError: the batches have no end; (when called) there is none.
    """

    def __init__(
        self,
        supernet: Supernet,
        batches: Iterable,
        loss: Callable | None = None,
        task=None,
        statistics: Sequence | None = None,
    ):
        refuse_endless("validation data", batches)
        self.forward = self.backward = 0
        self._supernet = supernet
        self._batches = batches
        self._trains = statistics is None
        self._own = _OwnStatistics(supernet, statistics).of if statistics else _unchanged
        self._task = tasks.get(task, loss)
        name = self._task.objective.name
        # In float64, because criteria compare differences.
        self._metrics = [m("float64") for m in self._task.metrics() if m.name == name]
        self._sums = tf.function(self._sum, autograph=False, reduce_retracing=True)
        self._slopes = tf.function(self._differentiate, autograph=False, reduce_retracing=True)

    def loss(self, mixture) -> float:
        """The mean loss with operation weights, cell type -> `[edges, operations]`."""
        return self._mean_loss(mixture, self._batches)

    def objective(self, mixture, batches: Iterable | None = None) -> float:
        """The task's objective, such as the accuracy, on all batches or on those that are given."""
        loss = self._mean_loss(mixture, self._batches if batches is None else batches)
        return float(self._metrics[0].result()) if self._metrics else loss

    def score(self, mixture, batches: Iterable | None = None) -> float:
        """The task's objective, its sign turned where smaller is better."""
        return self._task.objective.score(self.objective(mixture, batches))

    @without_grappler()
    def gradients(self, mixture) -> dict[str, np.ndarray]:
        """The gradient of the mean loss in every operation weight, shaped as `mixture`."""
        mixture, total, sums = _tensors(mixture), 0.0, None
        state = tasks.PassState(self._task, self._supernet)
        for batch in self._batches:
            found, count, after = self._slopes(mixture, batch, state.before(batch))
            state.after(after)
            found = {name: value.numpy() for name, value in found.items()}
            sums = found if sums is None else {name: sums[name] + found[name] for name in sums}
            total += float(count)
            self.backward += _examples(batch)
        _refuse_nothing(sums)
        return {name: value / total for name, value in sums.items()}

    @without_grappler()
    def _mean_loss(self, mixture, batches) -> float:
        """The mean loss; the metrics are measured besides."""
        for metric in self._metrics:
            metric.reset_state()
        mixture, sums = _tensors(mixture), None
        state = tasks.PassState(self._task, self._supernet)
        with self._own(mixture):
            for batch in batches:
                found, after = self._sums(mixture, batch, state.before(batch))
                state.after(after)
                sums = found.numpy().astype(float) + (0.0 if sums is None else sums)
                self.forward += _examples(batch)
        _refuse_nothing(sums)
        return sums[0] / sums[1]

    def _outputs(self, mixture, inputs, state):
        of_cells = _of_cells(self._supernet, mixture)
        # An auxiliary skip connection is no part of the cell that is selected.
        auxiliary = self._supernet.architecture.auxiliary_skip
        given = [] if auxiliary is None else [(auxiliary, tf.zeros(()))]
        # What a forward pass in training mode writes stays in the scope.
        with given_values(self._supernet, others=given):
            return self._task.call(
                self._supernet, inputs, *state, training=self._trains, weights=of_cells
            )

    def _sum(self, mixture, batch, state):
        """The sum of the losses and their number, `[2]`, and the state after the batch."""
        inputs, targets, sample_weights = self._task.unpack(batch)
        outputs, after = self._outputs(mixture, inputs, state)
        for metric in self._metrics:
            metric.update_state(targets, outputs, sample_weights)
        counted = self._task.counted_loss(targets, outputs, sample_weights)
        return tf.stack(counted), after

    def _differentiate(self, mixture, batch, state):
        inputs, targets, sample_weights = self._task.unpack(batch)
        with tf.GradientTape() as tape:
            tape.watch(mixture)
            outputs, after = self._outputs(mixture, inputs, state)
            loss, count = self._task.counted_loss(targets, outputs, sample_weights)
        zero = tf.UnconnectedGradients.ZERO
        slopes = tape.gradient(loss, mixture, unconnected_gradients=zero)
        return slopes, count, after


def _unchanged(mixture):
    """A scope in which the supernet is as it is."""
    return contextlib.nullcontext()


class _OwnStatistics:
    """Scopes in which a supernet has the moving statistics of one architecture.

    Args:
        supernet: of it.
        inputs: batches that the statistics are measured on.
    """

    def __init__(self, supernet: Supernet, inputs: Sequence):
        self._supernet, self._inputs = supernet, inputs
        self._mixture = {}
        self._measure = recalibration.Recalibration(self)

    def _flatten_layers(self):
        return self._supernet._flatten_layers()

    def __call__(self, images, training: bool):
        """The supernet's outputs with the operation weights of the scope."""
        of_cells = _of_cells(self._supernet, {k: v.value() for k, v in self._mixture.items()})
        return self._supernet(images, training=training, weights=of_cells)

    @contextlib.contextmanager
    def of(self, mixture):
        """A scope for operation weights, cell type -> `[edges, operations]`."""
        for name, value in mixture.items():
            self._mixture.setdefault(name, tf.Variable(value)).assign(value)
        auxiliary = self._supernet.architecture.auxiliary_skip
        changed = [*self._supernet.non_trainable_variables]
        if auxiliary is not None and all(auxiliary is not v for v in changed):
            changed.append(auxiliary)
        before = [variable.numpy() for variable in changed]
        try:
            if auxiliary is not None:
                auxiliary.assign(0.0)
            self._measure(self._inputs)
            yield
        finally:
            for variable, value in zip(changed, before, strict=True):
                variable.assign(value)


def _of_cells(supernet: Supernet, mixture) -> dict:
    """Operation weights as the cells of a supernet take them."""
    found = {}
    for cell_type, whole in supernet.architecture.cell_weights().items():
        own = mixture[cell_type]
        found[cell_type] = (own, *whole[1:]) if isinstance(whole, tuple) else own
    return found


def _examples(batch) -> int:
    return len(tf.nest.flatten(batch)[0])


def _tensors(mixture) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value, tf.float32) for name, value in mixture.items()}


def _refuse_nothing(sums) -> None:
    if sums is None:
        raise UserError("the validation data hold no whole batch; use a smaller batch size")
