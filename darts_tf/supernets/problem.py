"""A supernet as a bilevel problem: a function of given weights and architecture variables."""

import contextlib
import functools
from collections.abc import Callable

import tensorflow as tf

from darts_tf import tasks
from darts_tf.common import seeds
from darts_tf.common.constant_weights import (
    architecture_is_constant,
    constant_architecture,
    constant_weights,
    weights_are_constant,
)
from darts_tf.common.dense_gradients import dense
from darts_tf.common.errors import UserError
from darts_tf.gradients.accumulation import AccumulatedLoss, mean_over_micro_batches
from darts_tf.gradients.problem import (
    ARCHITECTURE,
    WEIGHTS,
    Level,
    Point,
    Problem,
    identity,
)
from darts_tf.runtime.loss_scale import LossScale
from darts_tf.runtime.shared_traces import SharedTraces
from darts_tf.supernets.forward_pass import ForwardPass
from darts_tf.supernets.given_values import given_values, random_states
from darts_tf.supernets.sampled_losses import SampledLosses
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import Task


class SupernetProblem:
    """A supernet as a function of given weights and architecture variables.

    Evaluating it never touches a stored variable: the weights and alphas are found at a point of
    `darts_tf.gradients`, and what a forward pass would write (moving statistics, random state) is
    returned instead.

    Args:
        supernet: the supernet.
        task: a `Task`, or a loss `(targets, outputs) -> [batch]` for the classification of images.
        replicas: number of replicas that share a global batch; all have equally many examples.
        penalty: is added to the loss besides what the relaxation adds: a function of the operation
            weights that the pass computes with, cell type -> `[edges, operations]`, to a float32
            scalar. None for none.
        micro_batches: number of equal parts that a replica's batch is computed in, one after
            another. Each is normalised by itself; the gradients are those of the whole batch. They
            share the draw of a random relaxation; dropout and noise are drawn for each.
        loss_scale: for a supernet that computes in float16; None for none.
        recompute: see `SharedTraces`; for supernets with batched cells on one replica.
        traced: whether a supernet without batched cells on one replica makes each pass a function
            of its own. For a few passes that takes longer than it saves.

    Attributes:
        supernet, task, replicas: the same.
        statistics: what else a pass moves: moving statistics and states of random generators.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Task | Callable,
        replicas: int = 1,
        penalty: Callable | None = None,
        micro_batches: int = 1,
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
        self.task = task if isinstance(task, Task) else tasks.get(None, task)
        self.replicas = replicas
        self._penalty = penalty
        self._micro_batches = micro_batches
        self._loss_scale = loss_scale
        self._tracing = {"recompute": recompute, "traced": traced}
        # Traced once and called from every pass of a step: the operations of batched cells or, of
        # others, the whole pass. Replicas communicate inside a forward pass, which a nested
        # function does not allow.
        self._traces = SharedTraces(recompute) if replicas == 1 else None
        batched = any(cell.together for cell in supernet.cells)
        self._traced = traced and replicas == 1 and not batched
        self._run = self.pass_of(self._forward)
        self._sampled = SampledLosses(supernet, self.task, penalty, micro_batches)

    def of(self, supernet: Supernet) -> "SupernetProblem":
        """The problem of another supernet beside this one, with the same settings, no penalty."""
        same = {"micro_batches": self._micro_batches, "loss_scale": self._loss_scale}
        return SupernetProblem(supernet, self.task, self.replicas, **same, **self._tracing)

    def forward(
        self, point: Point, batch, seed=None, mixture=None, micro_batch=None, quiet: bool = False
    ) -> ForwardPass:
        """One forward pass in training mode.

        Args:
            point: the values of the weights and of the architecture variables.
            batch: of the task, such as images and labels.
            seed: `[2]` int32, of a random relaxation's draw and of dropout; None for neither.
            mixture: what cells compute with in place of the relaxation's weights; None for those.
            micro_batch: its number, scalar int32, where a batch is accumulated; None else.
            quiet: whether the relaxation draws nothing though there is a seed.

        Returns:
            A `ForwardPass`; in a scope of `constant_weights` without statistics.
        """
        flags = weights_are_constant(), architecture_is_constant(), quiet
        given = point[WEIGHTS], point[ARCHITECTURE]
        return self._run(given, batch, seed, mixture, micro_batch, flags)

    def pass_of(self, function: Callable) -> Callable:
        """A function that calls the supernet, traced once where every pass is one of its own."""
        return tf.function(function, autograph=False) if self._traced else function

    @contextlib.contextmanager
    def scope(self, weights, architecture, others=(), constant: bool = False):
        """A scope in which the supernet has these values, see `given_values`.

        Args:
            weights, architecture, others: as there.
            constant: whether it is one of `constant_weights` too.
        """
        sharing = self._traces.active() if self._traces else contextlib.nullcontext()
        given = given_values(self.supernet, weights, architecture, others)
        with sharing, constant_weights(constant), given as scope:
            yield scope

    def _forward(
        self, given, batch, seed, mixture, micro_batch, flags: tuple[bool, bool, bool]
    ) -> ForwardPass:
        (weights, architecture), supernet, (constant, fixed, quiet) = given, self.supernet, flags
        examples, state = self.task.unpack_with_state(batch)
        if self._loss_scale is not None:
            weights = self._loss_scale.leave(weights)
            architecture = self._loss_scale.leave(architecture)
        given = weights, architecture, random_states(self.statistics, micro_batch)
        with constant_architecture(fixed), self.scope(*given, constant) as scope:
            own_seed, noise = seed, None if quiet else seed
            accumulated = micro_batch is not None and seed is not None
            if mixture is None and (quiet or accumulated):
                mixture = supernet.architecture.cell_weights(noise)
            if accumulated:
                own_seed = seeds.of_part(seed, micro_batch)
            outputs, carried = self.task.call(
                supernet, examples.inputs, state, training=True, seed=own_seed, weights=mixture
            )
            penalty = supernet.architecture.penalty()
            if self._penalty is not None:
                penalty += self._penalty(supernet.architecture.drawn_weights(noise))
        statistics = [
            variable.value if (value := scope.get_current_value(variable)) is None else value
            for variable in ([] if constant else self.statistics)
        ]
        loss = self.share(examples, outputs, micro_batch is not None)
        statistics = [tf.convert_to_tensor(value) for value in statistics]
        # The architecture is float32 where weights are float64.
        penalty = tf.cast(penalty, loss.dtype) / self.replicas
        added = tf.add_n(scope.losses) / self.replicas if scope.losses else None
        if self._loss_scale is not None:
            loss, penalty, added = (
                None if x is None else self._loss_scale.enter(x) for x in (loss, penalty, added)
            )
        return ForwardPass(loss, penalty, outputs, statistics, carried, added)

    def share(self, examples, outputs, accumulated: bool = False) -> tf.Tensor:
        """This replica's share of the mean over what is counted in the global batch."""
        total, count = self.task.counted_loss(examples.targets, outputs, examples.sample_weights)
        if accumulated and examples.sample_weights is not None:
            raise UserError(
                "a batch whose elements have weights cannot be computed in parts, which count "
                "differently; leave accumulate_steps at 1"
            )
        if self.replicas > 1 and tf.get_static_value(count) is None:
            (everywhere,) = self.reduce([count])
        else:
            # What the shapes tell is the same on all replicas.
            everywhere = count * self.replicas
        return tf.math.divide_no_nan(total, everywhere)

    def seed_of(self, level: str, steps: tf.Tensor) -> tf.Tensor | None:
        """The seed of what a level's passes draw in a step, `[2]` int32; None if nothing is drawn.

        Args:
            level: its name.
            steps: how many steps there were before, scalar int32.
        """
        if not self.supernet.draws(level):
            return None
        number = (ARCHITECTURE, WEIGHTS).index(level)
        return seeds.of_level(self.supernet.get_config()["seed"], steps, number)

    def entropies(self) -> tf.Tensor:
        """The entropies of the cell types' operation weights now, in nats."""
        return self.supernet.architecture.entropies()

    def entropy(self, architecture) -> tf.Tensor:
        """The entropy of all operation weights together, in nats; differentiable."""
        with given_values(self.supernet, architecture=architecture):
            return tf.reduce_sum(self.supernet.architecture.entropies())

    def loss(
        self,
        point: Point,
        batch,
        seed=None,
        micro_batch=None,
        quiet=False,
        regularized: bool = False,
    ):
        """The loss with what is added to it; a pair with the state after the batch if there is one.

        The arguments are those of `forward`, and whether the layers' regularization is among what
        is added, as it is for the weights.
        """
        forward = self.forward(point, batch, seed, micro_batch=micro_batch, quiet=quiet)
        loss = (forward.descended if regularized else forward.loss) + forward.penalty
        return loss if forward.carried is None else (loss, forward.carried)

    def forward_and_gradients(
        self, point: Point, batch, seed=None, differentiate: bool = True, mixture=None
    ):
        """A forward pass and its gradients in the weights, one micro-batch after another.

        Args:
            point, batch, seed: as in `forward`.
            differentiate: whether the gradients are wanted; there are none otherwise.
            mixture: what cells compute with in place of the relaxation's weights; None for those.

        Returns:
            A `ForwardPass` of the whole batch, with the mean of the micro-batches' statistics, and
            the gradients, not yet reduced over the replicas.
        """

        weights = point[WEIGHTS]

        def run(batch, micro_batch=None):
            if not differentiate:
                return self.forward(point, batch, seed, mixture, micro_batch), []
            tape = tf.GradientTape(watch_accessed_variables=False)
            with constant_architecture(), tape:
                tape.watch(weights)
                forward = self.forward(point, batch, seed, mixture, micro_batch)
                descended = forward.descended
            zero = tf.UnconnectedGradients.ZERO
            return forward, dense(tape.gradient(descended, weights, unconnected_gradients=zero))

        if self._micro_batches == 1:
            return run(batch)

        def accumulate(batch, micro_batch):
            forward, gradients = run(batch, micro_batch)
            means = forward.loss, forward.penalty, forward.statistics, gradients
            return means, (forward.outputs, forward.carried)

        means, of_examples = mean_over_micro_batches(accumulate, batch, self._micro_batches)
        loss, penalty, statistics, gradients = means
        outputs, carried = of_examples
        return ForwardPass(loss, penalty, outputs, statistics, carried), gradients

    def reduce(self, tensors):
        """The sum of every tensor over the replicas; differentiable."""
        if self.replicas == 1:
            return tensors
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors)

    def levels(self, seed=None) -> Problem:
        """The chain of two with this loss on both levels, for `darts_tf.gradients`.

        What layers add to it, such as slowness, is in the weights' only. Where an estimator needs
        the step of the weights' optimizer, it is given by `Problem.with_steps`.

        Args:
            seed: of a step of the architecture: of a random relaxation's draw and of dropout, the
                same for every evaluation. The relaxation draws nothing if it does so for the
                weights only.
        """
        quiet = seed is not None and not self.supernet.relaxation.draws.of(ARCHITECTURE)
        outer = functools.partial(self.loss, seed=seed, quiet=quiet)
        inner = functools.partial(outer, regularized=True)
        if self._micro_batches > 1:
            outer, inner = (AccumulatedLoss(loss, self._micro_batches) for loss in (outer, inner))
        categorical = None
        if not self.supernet.relaxation.draws.differentiable:
            categorical = self._sampled.problem(seed)
        reduce = identity if self.replicas == 1 else self.reduce
        levels = Level(ARCHITECTURE, outer), Level(WEIGHTS, inner)
        return Problem(levels, reduce, categorical)
