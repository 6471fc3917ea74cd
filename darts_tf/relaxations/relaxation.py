"""The base of relaxations."""

import types
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from darts_tf.common.controls import Control
from darts_tf.common.registry import Unnamed
from darts_tf.relaxations import earlier_flags
from darts_tf.relaxations.ascent import Ascent
from darts_tf.relaxations.draws import NO_DRAWS, Draws
from darts_tf.spaces import EXCLUDED, Space


def masked(space: Space, cell_type: str, logits: tf.Tensor) -> tf.Tensor:
    """The logits `[edges, operations]`, `EXCLUDED` where an operation is no candidate of its edge.

    A softmax of them is exactly that over the candidates: the others' weights and gradients are 0.
    """
    if space.edge_operations is None:
        return logits
    return tf.where(space.mask(cell_type), logits, EXCLUDED)


class Start(NamedTuple):
    """The shape of an architecture variable and the normal distribution that it starts from."""

    shape: tuple[int, ...]
    mean: float = 0.0
    stddev: float = 1e-3


class Relaxation(Unnamed):
    """How the architecture variables of a cell type become the weights of its operations.

    A relaxation holds no variables: the supernet makes those that `variables` asks for, once for
    each cell type, and hands their values to the other methods.

    Attributes:
        cell: the kind of relaxed cell that computes with the weights, see `darts_tf.cells.kinds`.
        cell_arguments: further arguments of these cells.
        draws: the random draws that the weights depend on, see `Draws`; `NO_DRAWS` for none.
        adversary: what looks for the operation weights that the weights are trained with, near
            those of `weights`, see `darts_tf.relaxations.ascent.Ascent`; None where they are
            trained with those of `weights`.
        temperature: the temperature, or another number that a schedule changes, to start with; None
            if there is none.
    """

    cell = "mixed"
    cell_arguments: Mapping = types.MappingProxyType({})
    draws: Draws = NO_DRAWS
    adversary: Ascent | None = None
    temperature: float | None = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        earlier_flags.translate(cls)

    @property
    def random(self) -> bool:
        """Whether the weights of any step depend on a random draw."""
        return self.draws.any

    @property
    def weights_only(self) -> bool:
        """Whether only the steps of the weights draw."""
        return self.draws.only == ("weights",)

    @property
    def hard(self) -> bool:
        """Whether a draw takes one operation of each edge."""
        return self.draws.single

    @property
    def categorical(self) -> bool:
        """Whether the search is over the distribution of the draws."""
        return not self.draws.differentiable

    @property
    def controls(self) -> tuple[Control, ...]:
        """The controls that schedules can move. Default: `temperature`, where there is one.

        Others than that are further arguments of `weights`, by name.
        """
        if self.temperature is None:
            return ()
        return (Control("temperature", start=self.temperature),)

    def variables(self, space: Space) -> Mapping[str, Start]:
        """The architecture variables of every cell type of the space, by name.

        Default: `alpha`, one for each operation of each edge, from 1e-3 * N(0, 1).
        """
        return {"alpha": Start((len(space.edges), len(space.operations)))}

    def weights(
        self,
        space: Space,
        cell_type: str,
        variables: Mapping[str, tf.Tensor],
        temperature: tf.Tensor | None = None,
        seed: tf.Tensor | None = None,
    ):
        """The values that the cells compute with.

        Args:
            space: the search space.
            cell_type: one of `space.cell_types`.
            variables: the values of the architecture variables of that cell type, float32.
            temperature: a float32 scalar, None if the relaxation has none.
            seed: `[2]` int32, of this step's draw. None for the weights without noise, which is
                what inference uses.

        Returns:
            What the kind of cell takes. For "mixed" the operation weights `[edges, operations]`,
            float32.
        """
        raise NotImplementedError

    def probabilities(
        self, space: Space, cell_type: str, variables: Mapping[str, tf.Tensor]
    ) -> tf.Tensor:
        """How much each operation is favoured, `[edges, operations]`, float32.

        Selections, the entropy and the pictures look at these. Default: `weights` without noise.
        """
        return self.weights(space, cell_type, variables)

    def logits(self, space: Space, cell_type: str, variables: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The logits, `[edges, operations]`, of draws that no gradient goes through."""
        raise NotImplementedError

    def penalty(
        self, space: Space, cell_type: str, variables: Mapping[str, tf.Tensor]
    ) -> tf.Tensor | None:
        """A scalar that is added to the loss, None if nothing is."""
        return None
