"""The losses of sampled architectures of a supernet, for estimators that use nothing else."""

import functools
from collections.abc import Callable

import tensorflow as tf

from darts_tf import tasks
from darts_tf.common import seeds
from darts_tf.gradients.accumulation import mean_over_micro_batches
from darts_tf.gradients.problem import WEIGHTS, CategoricalProblem
from darts_tf.supernets.given_values import given_values
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Task


class SampledLosses:
    """A supernet as a function of draws: one graph for all architectures.

    Batch normalisation uses the batch, and no stored variable is touched. All repetitions of a cell
    have the same draw. The rows of a draw are the edges of all cell types, one type after the
    other.

    Args:
        supernet: with a categorical relaxation.
        task: a `Task`, or a loss `(targets, outputs) -> [batch]` for the classification of images.
        penalty: is added to the loss: a function of the operation weights, cell type -> `[edges,
            operations]`. None for none.
        micro_batches: number of equal parts that a batch is computed in.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Task | Callable,
        penalty: Callable | None = None,
        micro_batches: int = 1,
    ):
        self._supernet = supernet
        self._task = task if isinstance(task, Task) else tasks.get(None, task)
        self._penalty = penalty
        self._micro_batches = micro_batches
        self._traced = tf.function(self._loss_of, autograph=False)

    def problem(self, seed) -> CategoricalProblem:
        """The problem that an estimator of `darts_tf.gradients` needs.

        Args:
            seed: `[2]` int32, of this step's draws, and of dropout, the same for all of them.
        """
        return CategoricalProblem(
            self.logits,
            lambda point, draws, batch: self.of_draws(point[WEIGHTS], draws, batch, seed),
            lambda point, mixtures, batch: self.of_mixtures(point[WEIGHTS], mixtures, batch, seed),
            seed,
            functools.partial(self._state_after, seed) if self._task.carries_state else None,
        )

    def logits(self, architecture) -> tf.Tensor:
        """The logits of all draws, from the architecture variables' values; differentiable."""
        with given_values(self._supernet, architecture=architecture):
            return self._supernet.architecture.logits()

    def of_draws(self, weights, draws, batch, seed=None) -> tf.Tensor:
        """The losses of sampled architectures, one after the other. There is no gradient.

        Args:
            weights: of the supernet.
            draws: `[n, cell types * edges, operations]`, one-hot.
            batch: of the task, such as images and labels.
            seed: `[2]` int32, of dropout; None for none.

        Returns:
            `[n]`, float32.
        """
        draws = tf.stop_gradient(draws)
        if draws.shape[0] == 1:
            return tf.stop_gradient(self._traced(weights, draws[0], batch, seed))[None]
        return tf.map_fn(
            lambda draw: tf.stop_gradient(self._traced(weights, draw, batch, seed)),
            draws,
            parallel_iterations=1,
            fn_output_signature=draws.dtype,
        )

    def of_mixtures(self, weights, mixtures, batch, seed=None) -> tf.Tensor:
        """The same for mixtures, which need all operations; differentiable in the mixtures."""
        losses = [self._loss_of(weights, m, batch, seed, mixed=True) for m in tf.unstack(mixtures)]
        return tf.stack(losses)

    def _state_after(self, seed, point, draw, batch):
        """The state after a batch of one architecture; a pass of its own."""
        examples, state = self._task.unpack_with_state(batch)
        with given_values(self._supernet, point[WEIGHTS]):
            options = {"seed": seed, "weights": self._by_type(draw)}
            found = self._task.call(
                self._supernet, examples.inputs, state, training=True, **options
            )
        return tf.nest.map_structure(tf.stop_gradient, found[1])

    def _by_type(self, operation_weights) -> dict:
        types = self._supernet.space.cell_types
        return dict(zip(types, tf.split(operation_weights, len(types)), strict=True))

    def _loss_of(self, weights, operation_weights, batch, seed=None, mixed=False) -> tf.Tensor:
        """The loss of one architecture, or of one mixture of all operations.

        Args:
            weights: of the supernet.
            operation_weights: `[cell types * edges, operations]`.
            batch: of the task, such as images and labels.
            seed: `[2]` int32, of dropout; None for none.
            mixed: whether it is a mixture.
        """
        by_type = self._by_type(operation_weights)

        def run(micro_batch, number=None):
            own = seed if seed is None or number is None else seeds.of_part(seed, number)
            examples, state = self._task.unpack_with_state(micro_batch)
            outputs, _ = self._task.call(
                self._supernet,
                examples.inputs,
                state,
                training=True,
                seed=own,
                weights=by_type,
                mixed=mixed,
            )
            total, count = self._task.counted_loss(
                examples.targets, outputs, examples.sample_weights
            )
            return tf.math.divide_no_nan(total, count), outputs

        with given_values(self._supernet, weights):
            loss, _ = (
                run(batch)
                if self._micro_batches == 1
                else mean_over_micro_batches(run, batch, self._micro_batches)
            )
        if self._penalty is not None:
            loss += tf.cast(self._penalty(by_type), loss.dtype)
        return tf.cast(loss, operation_weights.dtype)
