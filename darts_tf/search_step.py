"""One step of a search: the supernet as a bilevel problem, then the two optimizers."""

import contextlib
import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from darts_tf.adversary import worst_rows
from darts_tf.gradients.accumulation import AccumulatedLoss, mean_over_parts
from darts_tf.gradients.problem import BilevelProblem, InnerStep, identity
from darts_tf.layers.shared_traces import SharedTraces
from darts_tf.loss_scale import LossScale
from darts_tf.sampled_losses import SampledLosses
from darts_tf.supernet import Supernet


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
            part is normalised by itself; the gradients are those of the whole batch.
        loss_scale: for a supernet that computes in float16; None for none.
        recompute: see `SharedTraces`; for supernets with batched cells on one replica.
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
    ):
        self.supernet = supernet
        others = [*supernet.architecture_variables, *supernet.schedule_variables]
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
        self._sharing = SharedTraces(recompute).active if replicas == 1 else contextlib.nullcontext
        # Traced once and called from every pass of a step. Replicas communicate inside a forward
        # pass, which a nested function does not allow.
        self.forward = (
            tf.function(self._forward, autograph=False) if replicas == 1 else self._forward
        )
        self._sampled = SampledLosses(supernet, loss, penalty, parts)

    def _forward(self, weights, architecture, batch, seed=None, rows=None) -> ForwardPass:
        images, labels = batch
        supernet = self.supernet
        if self._loss_scale is not None:
            weights = self._loss_scale.leave(weights)
            architecture = self._loss_scale.leave(architecture)
        given = zip(supernet.weight_variables, weights, strict=True)
        given = [*given, *self._architecture(architecture)]
        with self._sharing(), keras.StatelessScope(state_mapping=given) as scope:
            logits = supernet(images, training=True, seed=seed, weights=rows)
            penalty = supernet.penalty()
            if self._penalty is not None:
                penalty += self._penalty(supernet.drawn_weights(seed))
        statistics = [
            variable.value if (value := scope.get_current_value(variable)) is None else value
            for variable in self.statistics
        ]
        examples = tf.shape(logits)[0] * self._replicas
        loss = tf.nn.compute_average_loss(self._loss(labels, logits), global_batch_size=examples)
        statistics = [tf.convert_to_tensor(value) for value in statistics]
        penalty /= self._replicas
        if self._loss_scale is not None:
            loss, penalty = self._loss_scale.enter(loss), self._loss_scale.enter(penalty)
        return ForwardPass(loss, penalty, logits, statistics)

    def _architecture(self, values):
        return zip(self.supernet.architecture_variables, values, strict=True)

    def entropy(self, architecture) -> tf.Tensor:
        """The entropy of all operation weights together, in nats; differentiable."""
        with keras.StatelessScope(self._architecture(architecture)):
            return tf.reduce_sum(self.supernet.entropies())

    def loss(self, weights, architecture, batch, seed=None) -> tf.Tensor:
        """The loss with what is added to it."""
        forward = self.forward(weights, architecture, batch, seed)
        return forward.loss + forward.penalty

    def worst_rows(self, weights, architecture, batch, seed) -> dict:
        """The operation weights near those of the architecture with the largest training loss.

        For relaxations with `ascent_steps`. The supernet is in inference mode meanwhile, as in
        the authors' code of SDARTS-ADV. The arguments are those of `forward`.
        """
        images, labels = batch
        supernet = self.supernet
        given = [
            *zip(supernet.weight_variables, weights, strict=True),
            *zip(supernet.architecture_variables, architecture, strict=True),
        ]

        def loss(rows):
            with keras.StatelessScope(state_mapping=given):
                return tf.reduce_mean(self._loss(labels, supernet(images, weights=rows)))

        with keras.StatelessScope(state_mapping=given):
            start = supernet.drawn_weights()
        masks = {name: supernet.space.mask(name) for name in start}
        radius = tf.convert_to_tensor(supernet.temperature)
        found = worst_rows(loss, start, radius, masks, seed, supernet.relaxation.ascent_steps)
        return {name: supernet.with_fixed(name, rows) for name, rows in found.items()}

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

        def run(batch):
            if not differentiate:
                return self.forward(weights, architecture, batch, seed, rows), []
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(weights)
                forward = self.forward(weights, architecture, batch, seed, rows)
            zero = tf.UnconnectedGradients.ZERO
            return forward, tape.gradient(forward.loss, weights, unconnected_gradients=zero)

        if self._parts == 1:
            return run(batch)

        def run_part(batch):
            forward, gradients = run(batch)
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

    def bilevel(self, seed=None) -> BilevelProblem:
        """The problem with this loss on both levels, for the estimators in `darts_tf.gradients`.

        Args:
            seed: of a random relaxation's draw, the same for every evaluation.
        """
        loss = functools.partial(self.loss, seed=seed)
        if self._parts > 1:
            loss = AccumulatedLoss(loss, self._parts)
        categorical = None
        if self.supernet.relaxation.categorical:
            categorical = self._sampled.problem(seed)
        reduce = identity if self._replicas == 1 else self.reduce
        return BilevelProblem(loss, loss, reduce, categorical)


class SearchStep:
    """An architecture step followed by a weight step, or the other way round, in replica context.

    Liu, Simonyan, Yang, ICLR 2019, algorithm 1; GDAS steps the weights first. As in the reference
    the raw gradient of the weights is clipped, before an optimizer of `darts_tf.optimizers` adds L2
    to it.

    Args:
        problem: the supernet.
        gradient: an estimator of `darts_tf.gradients`.
        clip_norm: largest global norm of the weights' gradient.
        weight_optimizer, architecture_optimizer: built Keras optimizers.
        replicas: number of replicas.
        architecture_clip_norm: largest global norm of the architecture's gradient; None: no limit.
        weights_first: whether the weights are stepped before the architecture.
        entropy_weight: of the operation weights' entropy in the loss that the architecture
            descends.
    """

    def __init__(
        self,
        problem: SupernetProblem,
        gradient: Callable,
        clip_norm: float,
        weight_optimizer: keras.optimizers.Optimizer,
        architecture_optimizer: keras.optimizers.Optimizer,
        replicas: int = 1,
        architecture_clip_norm: float | None = None,
        weights_first: bool = False,
        entropy_weight: float = 0.0,
    ):
        self._problem = problem
        self._gradient = gradient
        self._clip_norm = clip_norm
        self._weight_optimizer = weight_optimizer
        self._architecture_optimizer = architecture_optimizer
        self._replicas = replicas
        self._architecture_clip_norm = architecture_clip_norm
        self._weights_first = weights_first
        self._entropy_weight = entropy_weight

    def __call__(self, train_batch, validation_batch, frozen: bool = False) -> dict[str, tf.Tensor]:
        """Runs the step.

        Args:
            train_batch, validation_batch: pairs of images and labels.
            frozen: whether to leave the architecture step out; `architecture_loss` is 0 then.

        Returns:
            Each replica's `loss`, `architecture_loss` and `logits`; `finite`, a product over all
            numbers that enter an optimizer, not finite if one isn't; `complete`, 1 or, where the
            estimator had to leave out its second-order term, 0; `entropies` after the step,
            `[cell types]`.
        """
        before, seeds = self._values(), (self._seed(0), self._seed(1))
        architecture_loss = architecture_norm = tf.zeros(())
        complete = tf.ones(())
        gradients = None
        if self._weights_first:
            forward, norm = self._weight_step(before, train_batch, seeds[1])
        if not frozen:
            hypergradient, architecture_norm = self._architecture_step(
                train_batch, validation_batch, seeds[0]
            )
            gradients, architecture_loss = hypergradient.weights, hypergradient.loss
            if hypergradient.complete is not None:
                complete = tf.cast(hypergradient.complete, tf.float32)
        if not self._weights_first and gradients is None:
            forward, norm = self._weight_step(self._values(), train_batch, seeds[1])
        elif not self._weights_first:
            # They came with the hypergradient, so they belong to its draw and its architecture.
            forward, norm = self._weight_step(before, train_batch, seeds[0], gradients)
        return {
            "loss": forward.loss,
            "architecture_loss": architecture_loss,
            "logits": forward.logits,
            "finite": tf.cast(norm, tf.float32) * (1 + architecture_norm),
            "complete": complete,
            "entropies": self._problem.supernet.entropies(),
        }

    def _weight_step(self, values, train_batch, seed, gradients=None):
        """Steps the weights, by these gradients if given; returns the forward pass and the norm."""
        problem, (weights, alphas) = self._problem, values
        rows = None
        if problem.supernet.relaxation.ascent_steps:
            rows = problem.worst_rows(weights, alphas, train_batch, seed)
        forward, found = problem.forward_and_gradients(
            weights, alphas, train_batch, seed, differentiate=gradients is None, rows=rows
        )
        if gradients is None:
            gradients = problem.reduce(found)
        clipped, norm = tf.clip_by_global_norm(gradients, self._clip_norm)
        with self._only_what_was_drawn(seed):
            self._apply(self._weight_optimizer, clipped, problem.supernet.weight_variables)
        for variable, value in zip(problem.statistics, forward.statistics, strict=True):
            variable.assign(value)
        return forward, norm

    def _architecture_step(self, train_batch, validation_batch, seed):
        """Applies the hypergradient; returns it and its global norm."""
        hypergradient = self._gradient(
            self._problem.bilevel(seed),
            *self._values(),
            train_batch,
            validation_batch,
            self.inner_step(),
        )
        gradients = hypergradient.architecture
        if self._entropy_weight:
            gradients = [x + y for x, y in zip(gradients, self._entropy_gradient(), strict=True)]
        norm = tf.linalg.global_norm(gradients)
        if self._architecture_clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, self._architecture_clip_norm, norm)
        variables = self._problem.supernet.architecture_variables
        self._apply(self._architecture_optimizer, gradients, variables)
        return hypergradient, norm

    def _entropy_gradient(self):
        """The gradient of what the entropy adds to the loss."""
        _, alphas = self._values()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(alphas)
            added = self._entropy_weight * self._problem.entropy(alphas)
        return tape.gradient(added, alphas, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    @contextlib.contextmanager
    def _only_what_was_drawn(self, seed):
        """Takes back what momentum and L2 do to the weights that a categorical draw left out."""
        supernet = self._problem.supernet
        if not supernet.relaxation.categorical:
            yield
            return
        masks = supernet.chosen_weights(supernet.drawn_weights(seed))
        slots = getattr(self._weight_optimizer, "momentums", None) or []
        kept = [
            (variable, mask, tf.identity(variable))
            for variables in (supernet.weight_variables, slots)
            for variable, mask in zip(variables, masks, strict=bool(variables))
            if mask is not None
        ]
        yield
        for variable, mask, before in kept:
            variable.assign(tf.where(mask, variable, before))

    def _values(self):
        """The weights and the architecture as they are now."""
        supernet = self._problem.supernet
        return (
            [tf.convert_to_tensor(v) for v in supernet.weight_variables],
            [tf.convert_to_tensor(v) for v in supernet.architecture_variables],
        )

    def inner_step(self) -> InnerStep:
        """The step that the weight optimizer would take now, for the unrolled gradients."""
        optimizer = self._weight_optimizer
        momentum = float(getattr(optimizer, "momentum", 0.0))
        velocities = [tf.convert_to_tensor(v) for v in optimizer.momentums] if momentum else None
        return InnerStep(
            learning_rate=tf.convert_to_tensor(optimizer.learning_rate),
            momentum=momentum,
            velocities=velocities,
            weight_decay=getattr(optimizer, "l2", 0.0),
        )

    def _seed(self, part: int) -> tf.Tensor | None:
        """The seed of this step's draw: 0 for the hypergradient, 1 for the weights.

        A function of the supernet's seed and the number of steps that the weight optimizer has
        taken, so that replicas agree and a resumed search draws what an uninterrupted one would.
        """
        supernet = self._problem.supernet
        if not supernet.random or (part == 0 and supernet.relaxation.weights_only):
            return None
        steps = tf.cast(tf.convert_to_tensor(self._weight_optimizer.iterations), tf.int32)
        return tf.stack([supernet.get_config()["seed"], 2 * steps + part])

    def _apply(self, optimizer, gradients, variables):
        if self._replicas > 1:
            # The gradients are reduced already, and `apply` sums over the replicas again.
            gradients = [g / self._replicas for g in gradients]
        optimizer.apply(gradients, variables)
