"""A level that a method adds to those of the architecture and the weights."""

from typing import Any, ClassVar, NamedTuple

import keras
import tensorflow as tf

from darts_tf.gradients.problem import ARCHITECTURE, Loss, Point
from darts_tf.runtime import optimizers
from darts_tf.supernets.problem import SupernetProblem


class LevelPass(NamedTuple):
    """The result of one evaluation of a level's loss.

    Attributes:
        loss: this replica's share of the loss of the global batch.
        statistics: new values of the level's `statistics`, in their order.
        outputs, carried: none, where a supernet's pass has them.
    """

    loss: tf.Tensor
    statistics: tuple[tf.Tensor, ...] | list[tf.Tensor] = ()
    outputs: Any = None
    carried: Any = None


class FurtherLevel:
    """Base: variables of your own that a search steps too, and what they change in its losses.

    An inner level is stepped behind the weights, by the gradient of its own loss, and the
    hypergradient of the architecture goes through that step, as it goes through that of the
    weights. One that is not inner is moved as the architecture is: by the hypergradient of its loss
    through the steps of all inner levels.

    Subclasses say in `build` what the variables are and define `loss`, or `forward` where a pass
    has more to give. Each search builds a copy of its own, so that the one in a `Method` is
    description only. One whose method is to go on from checkpoints is a dataclass whose fields
    decide all that it does, or has no arguments.

    Attributes:
        name: of the level, by which a point has the values of its variables.
        inner: whether it descends its own loss behind the weights.
        stream: the batches of its steps, "train" or "validation".
        has_source: whether `forward` takes the `source` of an inner level.
        draws: whether its loss depends on the step's seed; there is one then, None otherwise.
        clip_norm: largest global norm of its gradient; None for no limit.
        problem: the supernet as a function, as soon as it is built.
        variables: what is trained, as soon as it is built.
        architecture_variables: what is moved with the search's architecture, by the same
            hypergradient and an optimizer like that one's; default none. A point has their values
            by `architecture_name`.
        statistics: what else a pass moves, such as moving statistics.
    """

    name: ClassVar[str]
    inner: ClassVar[bool] = True
    stream: ClassVar[str] = "train"
    has_source: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    clip_norm: float | None = None

    problem: SupernetProblem
    variables: list[keras.Variable]
    statistics: list[keras.Variable] = []
    architecture_variables: list[keras.Variable] = []

    @property
    def architecture_name(self) -> str:
        """The name of `architecture_variables` among the levels."""
        return f"{self.name}_{ARCHITECTURE}"

    def build(self, problem: SupernetProblem) -> None:
        """Makes `variables` and `statistics`, called once before the first step of a search.

        Args:
            problem: the supernet, with its task; `darts_tf.supernets.problem`. Subclasses call
                this method, which keeps it.
        """
        self.problem = problem

    def make_optimizer(self, total_steps: int) -> keras.optimizers.Optimizer:
        """Of its variables; an inner level's has to be SGD. Default: plain SGD, rate 0.025.

        Args:
            total_steps: of the search.
        """
        return optimizers.SGD(0.025)

    def forward(self, point: Point, batch, seed=None) -> LevelPass:
        """Evaluates the loss without touching a variable. Default: of `loss`, nothing else.

        Args:
            point: level name -> the values of its variables.
            batch: of the task.
            seed: `[2]` int32, or None; see `draws`.
        """
        return LevelPass(self.loss(point, batch, seed))

    def source(self, point: Point, batch, seed=None) -> list[tf.Tensor]:
        """The part of the loss that no variable of the level itself moves.

        A finite difference computes it once for both sides. For levels with `has_source`, whose
        `forward` takes it as its last argument and computes it itself where that is None.
        """
        raise NotImplementedError

    def loss(self, point: Point, batch, seed=None) -> tf.Tensor:
        """This replica's share of the loss; arguments as for `forward`, whose loss it is."""
        return self.forward(point, batch, seed).loss

    def batch_of(self, level: str, point: Point, batch):
        """The batch that another level's loss is of; differentiable. Default: the batch itself.

        Args:
            level: "architecture" or "weights".
            point: the values of all levels' variables.
            batch: what the level's stream gives.
        """
        return batch

    def outer_loss(self, loss: Loss) -> Loss:
        """The architecture's loss, `(point, batch) -> scalar`. Default: `loss` alone.

        Args:
            loss: what it would descend without this level, with the same arguments.
        """
        return loss

    def own_pass(self, inputs):
        """A pass of what the level has beside the supernet, whose memory is estimated by it.

        Args:
            inputs: of the supernet.

        Returns:
            Its outputs. Default: None, there is nothing beside the supernet.
        """
        return None

    def check(self, method) -> None:
        """Refuses a method that the level has no meaning in. Default: none.

        Args:
            method: a `darts_tf.Method` whose `levels` hold this one.

        Raises:
            UserError: says why.
        """
