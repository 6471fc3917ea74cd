"""A supernet as a bilevel problem: a function of given weights and architecture variables."""

import contextlib
import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from darts_tf.common.constant_weights import constant_weights, weights_are_constant
from darts_tf.gradients.accumulation import AccumulatedLoss, mean_over_parts
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, InnerStep, Level, Problem, identity
from darts_tf.runtime.loss_scale import LossScale
from darts_tf.runtime.shared_traces import SharedTraces
from darts_tf.supernets.given_values import given_values
from darts_tf.supernets.sampled_losses import SampledLosses
from darts_tf.supernets.supernet import Supernet


class ForwardPass(NamedTuple):
    """What one functional evaluation of the supernet gives.

    Attributes:
        loss: this replica's share of the mean loss of the global batch, float32.
        penalty: this replica's share of what is added to the loss.
        logits: `[batch, classes]`.
        statistics: new values of the supernet's other variables (moving statistics and random
            state), in the order of `SupernetProblem.statistics`.
    """

    loss: tf.Tensor
    penalty: tf.Tensor
    logits: tf.Tensor
    statistics: list[tf.Tensor]


class SupernetProblem:
    """A supernet as a function of given weights and architecture variables.

    Evaluating it never touches a stored variable: the weights and alphas are arguments, and what
    a forward pass would write (moving statistics, random state) is returned instead.

    Args:
        supernet: the supernet.
        loss: `(labels, logits) -> [batch]`.
        replicas: number of replicas that share a global batch; all have equally many examples.
        penalty: is added to the loss besides what the relaxation adds: a function of the operation
            weights that the pass computes with, cell type -> `[edges, operations]`, to a float32
            scalar. None for none.
        parts: number of equal parts that a replica's batch is computed in, one after another. Each
            part is normalised by itself; the gradients are those of the whole batch. The parts
            share the draw of a random relaxation; dropout and noise are drawn for each.
        loss_scale: for a supernet that computes in float16; None for none.
        recompute: see `SharedTraces`; for supernets with batched cells on one replica.
        traced: whether a supernet without batched cells on one replica makes each pass a function
            of its own. For a few passes that takes longer than it saves.
    """

    def __init__(
        self,
        supernet: Supernet,
        loss: Callable,
        replicas: int = 1,
        penalty: Callable | None = None,
        parts: int = 1,
        loss_scale: LossScale | None = None,
        recompute: bool = False,
        traced: bool = True,
    ):
        self.supernet = supernet
        others = [*supernet.architecture_variables, *supernet.architecture.schedule_variables]
        self.statistics = [
            variable
            for variable in supernet.non_trainable_variables
            if not any(variable is other for other in others)
        ]
        self._loss = loss
        self._replicas = replicas
        self._penalty = penalty
        self._parts = parts
        self._loss_scale = loss_scale
        # Traced once and called from every pass of a step: the operations of batched cells or, of
        # others, the whole pass. Replicas communicate inside a forward pass, which a nested
        # function does not allow.
        self._traces = SharedTraces(recompute) if replicas == 1 else None
        batched = any(cell.together for cell in supernet.cells)
        self._run = self._forward
        if traced and replicas == 1 and not batched:
            self._run = tf.function(self._forward, autograph=False)
        self._sampled = SampledLosses(supernet, loss, penalty, parts)

    def forward(self, weights, architecture, batch, seed=None, rows=None, part=None) -> ForwardPass:
        """One forward pass in training mode.

        Args:
            weights, architecture: values of the supernet's variables.
            batch: images and labels.
            seed: `[2]` int32, of a random relaxation's draw; None for no noise.
            rows: what the cells compute with instead of the relaxation's weights; None for those.
            part: the number of this part of an accumulated batch, scalar int32, or None.

        Returns:
            A `ForwardPass`; in a scope of `constant_weights` without statistics.
        """
        constant = weights_are_constant()
        return self._run(weights, architecture, batch, seed, rows, part, constant)

    def _forward(
        self, weights, architecture, batch, seed, rows, part, constant: bool
    ) -> ForwardPass:
        images, labels = batch
        supernet = self.supernet
        if self._loss_scale is not None:
            weights = self._loss_scale.leave(weights)
            architecture = self._loss_scale.leave(architecture)
        sharing = self._traces.active() if self._traces else contextlib.nullcontext()
        given = given_values(supernet, weights, architecture, self._random_states(part))
        with sharing, constant_weights(constant), given as scope:
            own_seed = seed
            if part is not None and seed is not None:
                rows = supernet.architecture.cell_weights(seed) if rows is None else rows
                own_seed = tf.random.experimental.stateless_fold_in(seed, part)
            logits = supernet(images, training=True, seed=own_seed, weights=rows)
            penalty = supernet.architecture.penalty()
            if self._penalty is not None:
                penalty += self._penalty(supernet.architecture.drawn_weights(seed))
        statistics = [
            variable.value if (value := scope.get_current_value(variable)) is None else value
            for variable in ([] if constant else self.statistics)
        ]
        examples = tf.shape(logits)[0] * self._replicas
        loss = tf.nn.compute_average_loss(self._loss(labels, logits), global_batch_size=examples)
        statistics = [tf.convert_to_tensor(value) for value in statistics]
        penalty /= self._replicas
        if self._loss_scale is not None:
            loss, penalty = self._loss_scale.enter(loss), self._loss_scale.enter(penalty)
        return ForwardPass(loss, penalty, logits, statistics)

    def _random_states(self, part) -> list:
        """The states of random generators as a part of the batch finds them; none for a whole one.

        Each layer draws once in a pass, and a draw counts its generator up by one, so that the
        parts draw what they would one after the other.
        """
        if part is None:
            return []
        return [
            (variable, variable + tf.cast([0, part], variable.dtype))
            for variable in self.statistics
            if tf.as_dtype(variable.dtype).is_integer
        ]

    def entropy(self, architecture) -> tf.Tensor:
        """The entropy of all operation weights together, in nats; differentiable."""
        with given_values(self.supernet, architecture=architecture):
            return tf.reduce_sum(self.supernet.architecture.entropies())

    def loss(self, weights, architecture, batch, seed=None, part=None) -> tf.Tensor:
        """The loss with what is added to it."""
        forward = self.forward(weights, architecture, batch, seed, part=part)
        return forward.loss + forward.penalty

    def worst_rows(self, weights, architecture, batch, seed) -> dict:
        """The operation weights near those of the architecture with the largest training loss.

        For relaxations with an `adversary`. The supernet is in inference mode meanwhile, as in
        the authors' code of SDARTS-ADV. The arguments are those of `forward`.
        """
        images, labels = batch
        supernet = self.supernet

        def loss(rows):
            with given_values(supernet, weights, architecture):
                return tf.reduce_mean(self._loss(labels, supernet(images, weights=rows)))

        with given_values(supernet, weights, architecture):
            start = supernet.architecture.drawn_weights()
        masks = {name: supernet.space.mask(name) for name in start}
        radius = tf.convert_to_tensor(supernet.architecture.temperature)
        found = supernet.relaxation.adversary(loss, start, radius, masks, seed)
        return {name: supernet.architecture.with_fixed(name, rows) for name, rows in found.items()}

    def forward_and_gradients(
        self, weights, architecture, batch, seed=None, differentiate=True, rows=None
    ):
        """A forward pass and the gradients of its loss in the weights, computed part by part.

        Args:
            weights, architecture, batch, seed: as in `forward`.
            differentiate: whether the gradients are wanted; there are none otherwise.
            rows: what the cells compute with instead of the relaxation's weights; None for those.

        Returns:
            A `ForwardPass` of the whole batch, with the mean of the parts' statistics, and the
            gradients, not yet reduced over the replicas.
        """

        def run(batch, part=None):
            if not differentiate:
                return self.forward(weights, architecture, batch, seed, rows, part), []
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(weights)
                forward = self.forward(weights, architecture, batch, seed, rows, part)
            zero = tf.UnconnectedGradients.ZERO
            return forward, tape.gradient(forward.loss, weights, unconnected_gradients=zero)

        if self._parts == 1:
            return run(batch)

        def run_part(batch, part):
            forward, gradients = run(batch, part)
            return (forward.loss, forward.penalty, forward.statistics, gradients), forward.logits

        (loss, penalty, statistics, gradients), logits = mean_over_parts(
            run_part, batch, self._parts
        )
        return ForwardPass(loss, penalty, logits, statistics), gradients

    def reduce(self, tensors):
        """The sum of every tensor over the replicas; differentiable."""
        if self._replicas == 1:
            return tensors
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)

    def bilevel(self, seed=None, step: InnerStep | None = None) -> Problem:
        """The problem with this loss on both levels, for the estimators in `darts_tf.gradients`.

        Args:
            seed: of a random relaxation's draw, the same for every evaluation.
            step: that the weights' optimizer would take, for an estimator that needs it.
        """
        loss = functools.partial(self._loss_at, seed=seed)
        if self._parts > 1:
            loss = AccumulatedLoss(loss, self._parts)
        categorical = None
        if self.supernet.relaxation.categorical:
            categorical = self._sampled.problem(seed)
        reduce = identity if self._replicas == 1 else self.reduce
        levels = Level(ARCHITECTURE, loss), Level(WEIGHTS, loss, step)
        return Problem(levels, reduce, categorical)

    def _loss_at(self, point, batch, seed=None, part=None) -> tf.Tensor:
        return self.loss(point[WEIGHTS], point[ARCHITECTURE], batch, seed, part)
