"""The state of a search, and what of it another supernet takes over."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import keras

from darts_tf.common.errors import UserError
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS

# What checkpoints call the optimizers of the levels.
_GROUPS = {WEIGHTS: "weight_optimizer", ARCHITECTURE: "architecture_optimizer"}


class Pair(NamedTuple):
    """A variable of a supernet, and the one of another supernet that goes on from it.

    Attributes:
        old, new: the variables.
        change: from the array of the old one to that of the new one, such as one whose channels are
            there twice or that has zeros beside them; also done to the slots of its optimizer. None
            for the same array.
    """

    old: keras.Variable
    new: keras.Variable
    change: Callable | None = None


@dataclasses.dataclass
class SearchState:
    """The state that a search goes on from, but for its position in the data, which the loop has.

    Attributes:
        supernet: weights, alphas, statistics and random states; what has `variables`.
        optimizers: level -> its optimizer, built.
        estimator: of the hypergradient; what has `variables`.
        metrics: variables of the means over the epoch so far.
        streams: variables of the states that are carried through the streams; empty for none.
        loss_scale: variables of the loss scale; empty where there is none.
        levels: further level -> its variables, trained and not; empty where there are none.
    """

    supernet: keras.Model
    optimizers: Mapping[str, keras.optimizers.Optimizer]
    estimator: object
    metrics: list[keras.Variable]
    streams: list[keras.Variable] = dataclasses.field(default_factory=list)
    loss_scale: list[keras.Variable] = dataclasses.field(default_factory=list)
    levels: Mapping[str, list[keras.Variable]] = dataclasses.field(default_factory=dict)

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All variables in groups, by the names that checkpoints have; no empty ones of parts."""
        optional = {
            "loss_scale": self.loss_scale,
            "states": self.streams,
            "gradient": self.estimator.variables,
            **self.levels,
        }
        levels = {
            _GROUPS.get(level, f"{level}_optimizer"): optimizer.variables
            for level, optimizer in self.optimizers.items()
        }
        return {
            **{name: variables for name, variables in optional.items() if variables},
            "supernet": self.supernet.variables,
            **levels,
            "metrics": self.metrics,
        }

    def transfer(self, new: "SearchState", pairs: Iterable[tuple]) -> None:
        """Gives another state the values of this one, along pairs of variables.

        Weights, alphas, statistics, and of those that are trained the slots of their optimizers
        take the same way. What is in no pair keeps its initial values, its slots too. Optimizers go
        on counting steps with the rates they have; metrics go on; what the estimator has learned,
        the states of streams, and further levels with their slots go on where their shapes are the
        same, and begin anew elsewhere.

        Args:
            new: the state of the other supernet, with the same levels.
            pairs: `Pair`s, or tuples of (old, new) or (old, new, change).

        Raises:
            UserError: a pair does not fit; names the variables and their shapes.
        """
        pairs = [Pair(*pair) for pair in pairs]
        for level, variables in self.levels.items():
            its = new.levels[level]
            if [v.shape for v in variables] == [v.shape for v in its]:
                pairs += map(Pair, variables, its)
        for pair in pairs:
            _carry(pair)
        for level, optimizer in self.optimizers.items():
            _carry_optimizer(optimizer, new.optimizers[level], pairs)
        for mine, its in (
            (self.metrics, new.metrics),
            (self.estimator.variables, new.estimator.variables),
            (self.streams, new.streams),
            (self.loss_scale, new.loss_scale),
        ):
            if [v.shape for v in mine] == [v.shape for v in its]:
                for old, other in zip(mine, its, strict=True):
                    other.assign(old)


def _carry(pair: Pair) -> None:
    value = keras.ops.convert_to_numpy(pair.old)
    value = value if pair.change is None else pair.change(value)
    if tuple(value.shape) != tuple(pair.new.shape):
        raise UserError(
            f"{pair.new.path} has the shape {tuple(pair.new.shape)} and cannot go on from "
            f"{pair.old.path}, which gives {tuple(value.shape)}; give the pair a change that fits"
        )
    pair.new.assign(value)


def _carry_optimizer(old, new, pairs: list[Pair]) -> None:
    """Carries the slots of the pairs that are trained, and all that is no slot, such as counts."""
    mine, its = _Slots(old), _Slots(new)
    for pair in pairs:
        if id(pair.old) in mine.numbers and id(pair.new) in its.numbers:
            for before, after in zip(mine.of(pair.old), its.of(pair.new), strict=True):
                _carry(Pair(before, after, pair.change))
    for before, after in zip(mine.others, its.others, strict=True):
        after.assign(before)


class _Slots:
    """The variables of an optimizer that stand for a trained one each, and the others."""

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        trained = optimizer._trainable_variables
        self.numbers = {id(variable): i for i, variable in enumerate(trained)}
        # Keras keeps a list of them for every kind of slot, in the order of what is trained.
        self._kinds = [
            value
            for name, value in vars(optimizer).items()
            if name not in ("_variables", "_trainable_variables")
            and isinstance(value, list)
            and trained
            and [getattr(v, "shape", None) for v in value] == [v.shape for v in trained]
        ]
        slots = {id(variable) for kind in self._kinds for variable in kind}
        self.others = [v for v in optimizer.variables if id(v) not in slots]

    def of(self, variable: keras.Variable) -> list[keras.Variable]:
        """The slots of a trained variable."""
        return [kind[self.numbers[id(variable)]] for kind in self._kinds]
