"""One kind of estimator: what computes a hypergradient, and what a search has to know about it."""

import dataclasses
import inspect
import math
import numbers
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import keras

from darts_tf.common.errors import UserError
from darts_tf.gradients.problem import Hypergradient, Level, Point, Problem


class StepMemory(NamedTuple):
    """The memory of a search step by an estimator besides activations, as measured on CPUs.

    Attributes:
        graph_bytes: for each operation of one forward pass. The passes of a step share one traced
            forward function, but each is a copy of it in the graph that runs.
        weight_copies: of all weights, with the variables, their momentum and their gradients.
        activations: how many passes' activations are there at one time. Passes that do not wait for
            each other, as the sides of a difference, overlap.
    """

    graph_bytes: int
    weight_copies: int
    activations: float = 1.0


class Gradient:
    """An estimator of the hypergradient.

    Subclasses define `__call__`, and say by the attributes what holds of them. One with a state
    makes its variables in `build`, because each search builds a copy of its own.

    Attributes:
        second_order: whether it differentiates a gradient of the training loss in the architecture,
            by tapes or by a difference. That gradient must be smooth, and the weights' momentum
            plain.
        differentiates_twice: whether it does so by nested tapes: the batch cannot be computed in
            parts then, and its loss not be scaled.
        unrolls: whether it takes the weights' step, which has to be one of SGD.
        one_level: whether it gives the weights their gradient too.
        any_length: whether it is for chains of any number of inner levels, and takes the steps of
            all of them.
        samples_architectures: whether it is of an expectation over drawn architectures; see
            `darts_tf.gradients.sampling`.
        memory: what a step needs; None where nobody has measured it.
        moves: whether there is a step of the architecture at all.
        repeats: whether it evaluates a loss more than once with the same gradients wanted, so that
            it is worth while to trace that once.
    """

    second_order: ClassVar[bool] = False
    differentiates_twice: ClassVar[bool] = False
    unrolls: ClassVar[bool] = False
    one_level: ClassVar[bool] = False
    any_length: ClassVar[bool] = False
    samples_architectures: ClassVar[bool] = False
    memory: ClassVar[StepMemory | None] = None
    moves: ClassVar[bool] = True
    repeats: ClassVar[bool] = True

    def __call__(self, problem: Problem, point: Point, batches: Mapping) -> Hypergradient:
        """The hypergradient at a point.

        Args:
            problem: the levels, with their losses and steps.
            point: level name -> a list of tensors, the values of its variables.
            batches: level name -> what its loss is of.

        Raises:
            UserError: the estimator has no meaning for a chain of so many levels.
        """
        raise NotImplementedError

    def build(self, shape: tuple[int, int], seed: int = 0) -> None:
        """Makes the variables, called once before the first step of a search. None by default.

        Args:
            shape: of the operation weights, (edges of all cell types, operations).
            seed: of what starts from random values.
        """

    @property
    def variables(self) -> list[keras.Variable]:
        """All that a checkpoint has to hold."""
        return []

    def report(self) -> dict[str, float]:
        """How the estimator has done so far, for the logs of an epoch."""
        return {}

    def doubt(self, dtype: str) -> str | None:
        """A remark on its precision where layers compute in that type; None if there is none.

        Args:
            dtype: such as "bfloat16".
        """
        return None


class Stateless(Gradient):
    """An estimator that is one equation: a frozen dataclass whose fields are its options.

    Options may also be given with a call, behind the arguments of every estimator. Subclasses
    define `hypergradient`.
    """

    def __call__(
        self, problem: Problem, point: Point, batches: Mapping, *values, **options
    ) -> Hypergradient:
        estimator = self
        if values or options:
            given = inspect.signature(type(self)).bind_partial(*values, **options).arguments
            estimator = dataclasses.replace(self, **given)
        return estimator.hypergradient(problem, point, batches)

    def hypergradient(self, problem: Problem, point: Point, batches: Mapping) -> Hypergradient:
        """The equation; arguments as for `Gradient`."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Function(Gradient):
    """A function of a user's own as an estimator.

    Nothing is refused for it. What differentiates twice, unrolls, or has a state is better a
    subclass of `Gradient` that says so.

    Attributes:
        function: `(problem, point, batches) -> Hypergradient`, see `Gradient`.
        options: more of its arguments, by name.

    Raises:
        UserError: the function does not take these arguments.
    """

    function: Callable[..., Hypergradient]
    options: Mapping = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        try:
            inspect.signature(self.function).bind(*[None] * 3, **self.options)
        except TypeError as error:
            raise UserError(
                f"the hypergradient {self.function!r}: {error}; expected a function (problem, "
                "point, batches) -> Hypergradient"
            ) from error
        except ValueError:  # Compiled code has no signature.
            pass

    def __call__(self, *arguments, **options) -> Hypergradient:
        """Calls the function with its options."""
        return self.function(*arguments, **{**self.options, **options})


def the_inner_level(problem: Problem, reason: str) -> Level:
    """The inner level of a chain of two, for an estimator that is for no others.

    Args:
        problem: any chain.
        reason: what the estimator takes, to be told.

    Raises:
        UserError: the chain is longer or shorter.
    """
    if len(problem.inner) != 1:
        raise UserError(
            f"this hypergradient takes {reason}; this chain has {len(problem.inner)} inner levels; "
            "use unrolled or finite_difference, which are for any number"
        )
    return problem.inner[0]


def require(name: str, value, condition: bool, expected: str) -> None:
    """Refuses an option of an estimator.

    Raises:
        UserError: the condition does not hold.
    """
    if not condition:
        raise UserError(f"the hypergradient's option {name}={value!r}: expected {expected}")


def is_count(value) -> bool:
    """Whether a value is a whole number, 1 or more."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and value >= 1


def is_within(value, low: float, high: float = math.inf) -> bool:
    """Whether a value is a number in [low, high)."""
    return isinstance(value, numbers.Real) and low <= value < high
