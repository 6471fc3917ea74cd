"""Training of a supernet's weights and alphas: optimizers, the traced step, and their variables."""

import functools
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from darts_tf import spaces
from darts_tf.common.variable_names import short_variable_names
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.levels import FurtherLevel, LevelChain, LevelPasses
from darts_tf.methods.method import Method
from darts_tf.runtime.carried_state import CarriedState
from darts_tf.runtime.loss_scale import LossScale, LossScaledStep
from darts_tf.runtime.train_function import TrainFunction, compiles
from darts_tf.schedules.rules import orders
from darts_tf.search import checks
from darts_tf.search.player import Player
from darts_tf.search.state import SearchState
from darts_tf.search.step import SearchStep
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet
from darts_tf.supernets.weight_passes import WeightPasses
from darts_tf.tasks import Task


class SearchTrainer:
    """The optimizers of a search and its step, traced once under the current strategy.

    Args:
        supernet: what is trained.
        method: how.
        task: what for.
        weight_optimizer, architecture_optimizer: None for the method's.
        total_steps: of the whole search, for the schedule of the learning rate.
        batch_sizes: of the streams, by their names; None where the batches of one differ.
        penalty, accumulate_steps, jit_compile, recompute: as for `ArchitectureSearch`.

    Attributes:
        weight_optimizer, architecture_optimizer: those in use, with their slots.
        gradient: the estimator of the hypergradient.
        train_function: the step, see `TrainFunction`.
        batch_sizes: the same.

    Raises:
        UserError: the method cannot unroll a step of the weight optimizer.
    """

    def __init__(
        self,
        supernet: Supernet,
        method: Method,
        task: Task,
        weight_optimizer: keras.optimizers.Optimizer | None,
        architecture_optimizer: keras.optimizers.Optimizer | None,
        total_steps: int,
        batch_sizes: Mapping[str, int],
        *,
        penalty: Callable | None = None,
        accumulate_steps: int = 1,
        jit_compile: bool | str = "auto",
        recompute: bool = False,
    ):
        self._supernet = supernet
        self._method = method
        self._task = task
        strategy = tf.distribute.get_strategy()
        self.gradient = method.make_gradient()
        self._loss_scale = LossScale() if supernet.compute_dtype == "float16" else None
        self.weight_optimizer = weight_optimizer or method.make_weight_optimizer(total_steps)
        self.architecture_optimizer = architecture_optimizer or method.make_architecture_optimizer()
        self._build()
        replicas = strategy.num_replicas_in_sync
        # A function of its own around a loop over time takes longer to trace, with its gradient,
        # than the loop does where it stands.
        own = self.gradient.repeats or supernet.space.kind not in spaces.OVER_TIME
        settings = penalty, accumulate_steps, self._loss_scale, recompute
        problem = SupernetProblem(supernet, task, replicas, *settings, traced=own)
        self._levels = self._build_levels(problem, total_steps)
        self._joined = self._join()
        chain = LevelChain(problem, [level for level, _ in self._levels])
        self._players = [
            *self._make_players(problem, chain),
            *(_player_of(level, optimizer) for level, optimizer in self._levels),
        ]
        self.batch_sizes, self._states = dict(batch_sizes), {}
        if task.carries_state:
            self._states = {
                stream: CarriedState(functools.partial(task.initial_state, supernet, size))
                for stream, size in batch_sizes.items()
            }
        self.train_function = TrainFunction(
            self._make_step(chain if self._levels else problem, replicas),
            strategy,
            {player.name: player.stream for player in self._players},
            compiles(jit_compile, strategy),
            task,
            self._states,
            batch_sizes,
        )

    @short_variable_names()
    def _build(self) -> None:
        """Makes the optimizers' slots and what else there are variables for."""
        supernet, optimizer = self._supernet, self.weight_optimizer
        checks.check_weight_optimizer(self._method, optimizer)
        checks.check_rate_of_task(self._task, optimizer)
        if any(kind.goes_back for kind in orders(self._method.rule)):
            # Among the optimizer's variables from now on, and so in every checkpoint.
            optimizer.l2 = keras.Variable(
                optimizer.l2, trainable=False, dtype="float32", name="weight_decay"
            )
        optimizer.build(supernet.weight_variables)
        self.architecture_optimizer.build(supernet.architecture_variables)
        space = supernet.space
        shape = len(space.cell_types) * len(space.edges), len(space.operations)
        self.gradient.build(shape, supernet.get_config()["seed"])

    @short_variable_names()
    def _build_levels(self, problem: SupernetProblem, total_steps: int) -> list[tuple]:
        """Builds the further levels; pairs of a level and its optimizer."""
        found = []
        for level in self._method.make_levels():
            level.build(problem)
            optimizer = level.make_optimizer(total_steps)
            if level.inner:
                checks.check_level_optimizer(level, optimizer)
            optimizer.build(level.variables)
            found.append((level, optimizer))
        return found

    def _join(self) -> tuple[Player, ...]:
        """The players of the levels' own architectures, moved as the search's is."""
        found = []
        for level, _ in self._levels:
            if variables := level.architecture_variables:
                optimizer = self._method.make_architecture_optimizer()
                optimizer.build(variables)
                clip_norm = self._method.architecture_clip_norm
                name = level.architecture_name
                found.append(Player(name, variables, optimizer, "validation", clip_norm))
        return tuple(found)

    def _make_players(self, problem: SupernetProblem, chain: LevelChain) -> list[Player]:
        """The architecture and the weights."""
        method, supernet, added = self._method, self._supernet, None
        if method.entropy_weight:

            def added(alphas):
                return method.entropy_weight * problem.entropy(alphas)

        architecture = Player(
            ARCHITECTURE,
            supernet.architecture_variables,
            self.architecture_optimizer,
            "validation",
            clip_norm=method.architecture_clip_norm,
            added=added,
            joined=self._joined,
        )
        weights = Player(
            WEIGHTS,
            supernet.weight_variables,
            self.weight_optimizer,
            "train",
            clip_norm=method.clip_norm,
            unrolled_clip_norm=method.unrolled_clip_norm,
            rate_factor=self._rate_factor,
            passes=WeightPasses(problem, chain.batch_of if self._levels else None),
        )
        return [architecture, weights]

    def _rate_factor(self, batch):
        """The factor of the weights' learning rate in the step on a batch; None for 1."""
        examples, _ = self._task.unpack_with_state(batch)
        return self._task.rate_factor(examples.targets)

    def _make_step(self, problem: SupernetProblem | LevelChain, replicas: int) -> Callable:
        players, order = self._players, self._method.order
        step = SearchStep(problem, players, self.gradient, order, replicas)
        if self._loss_scale is None:
            return step
        optimizers = self.weight_optimizer, self.architecture_optimizer
        owners = (self._supernet, *optimizers, self.gradient)
        changed = [variable for owner in owners for variable in owner.variables]
        return LossScaledStep(step, self._loss_scale, changed)

    def report(self) -> dict[str, float]:
        """The report of the gradient's estimator on itself; empty for most."""
        return self.gradient.report()

    @property
    def state(self) -> SearchState:
        """The state that a search goes on from."""
        further = {level.name: optimizer for level, optimizer in self._levels}
        further |= {player.name: player.optimizer for player in self._joined}
        variables = {level.name: [*level.variables, *level.statistics] for level, _ in self._levels}
        variables |= {player.name: player.variables for player in self._joined}
        two = {WEIGHTS: self.weight_optimizer, ARCHITECTURE: self.architecture_optimizer}
        return SearchState(
            self._supernet,
            {**two, **further},
            self.gradient,
            self.train_function.variables,
            [v for state in self._states.values() for v in state.variables],
            self._loss_scale.variables if self._loss_scale else [],
            variables,
        )

    @property
    def variables(self) -> dict[str, list]:
        """All variables that a search goes on from, in groups."""
        return self.state.groups()


def _player_of(level: FurtherLevel, optimizer: keras.optimizers.Optimizer) -> Player:
    """The player that steps a built level."""
    passes = LevelPasses(level) if level.inner else None
    clip_norm = level.clip_norm
    return Player(level.name, level.variables, optimizer, level.stream, clip_norm, passes=passes)
