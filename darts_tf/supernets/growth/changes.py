"""The changes of a growing search: each says what space follows, and what is new in it.

`darts_tf.search.growth` makes the supernet of the new space, gives it the values of the old one
along `darts_tf.supernets.growth.pairs`, and then calls `start`. A change is a value: two searches
that make it of equal supernets go on alike.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.spaces import Space, copies
from darts_tf.supernets.growth import logits, node_values
from darts_tf.supernets.growth.pairs import Place, operation_variables
from darts_tf.supernets.supernet import Supernet


@dataclasses.dataclass(frozen=True)
class Change:
    """Base: a supernet becomes one of another space."""

    def space(self, space: Space) -> Space:
        """The space that follows."""
        raise NotImplementedError

    def origin(self, space: Space) -> Mapping[Place, str]:
        """Places of the new space that are copies -> what they are copies of. Default: none.

        Args:
            space: the old one.
        """
        return {}

    def decided(self, supernet: Supernet, gains: Callable) -> tuple["Change", ...]:
        """The changes that this one comes to now. Default: itself.

        Args:
            supernet: that of now.
            gains: from a supernet to its `SplitGains`.
        """
        return (self,)

    def start(self, old: Supernet, new: Supernet, random: np.random.Generator) -> None:
        """Gives what is new its first values; the rest has those of the old supernet already."""


@dataclasses.dataclass(frozen=True)
class AddNode(Change):
    """One more node at the end of every cell, which leaves the output of the supernet as it is.

    Of a chain it passes its predecessor on, see `node_values`. Of a cell whose output is the
    concatenation of its nodes its channels go into what takes them, the preprocessing of later
    cells and the head, through a block of zeros.

    Attributes:
        noise: standard deviation of what is added to the new values: to all of the node of a chain,
            to the block of zeros of others. A relu of zeros and what is behind zeros would have no
            gradient. 0 for the exact morphism.
    """

    noise: float = 1e-3

    def space(self, space):
        if space.edge_operations is None:
            candidates = None
        elif space.kind == "two_input":
            kinds = [name for name in space.operations if copies.kind_of(name) == name]
            candidates = {t: [*space.operations_on(t), kinds] for t in space.cell_types}
        else:
            raise UserError(
                f"a cell of the space {space.name!r} with other candidates on some edges does not "
                "grow by nodes"
            )
        if space.output not in ("concat", "last") or (
            space.output == "last" and space.kind != "two_input"
        ):
            raise UserError(
                f"cells of the space {space.name!r} do not grow by nodes: their output is "
                f"{space.output!r}. A chain of the space two_input_rnn does, and cells whose "
                "output is the concatenation of their nodes"
            )
        edges = None
        if space.kind == "two_input":
            edges = [*space.edges, (space.nodes, space.nodes)]
        elif len(space.edges) != sum(space.inputs + n for n in range(space.nodes)):
            raise UserError(f"the nodes of the space {space.name!r} are not joined to all before")
        return dataclasses.replace(
            space, nodes=space.nodes + 1, edges=edges, edge_operations=candidates
        )

    def start(self, old, new, random):
        if new.space.kind == "two_input":
            self._chain(new, random)
        else:
            self._blocks(old, new, random)

    def _chain(self, new, random) -> None:
        (cell_type,) = new.space.cell_types
        node = new.space.nodes - 1
        row = keras.ops.convert_to_numpy(new.operation_weights()[cell_type][node])
        for cell in new.cells:
            inner = cell.recurrent.cell
            names = inner.candidates[node]
            weights = [row[new.space.operations.index(name)] for name in names]
            values = node_values.passing_on(names, weights, inner.units)
            for name, parameters in zip(names, inner.parameters[node], strict=True):
                for variable, value in zip(parameters, values[name], strict=True):
                    if variable is not None:
                        _give(variable, value, self.noise, random)

    def _blocks(self, old, new, random) -> None:
        for mine, its in zip(old.parts, new.parts, strict=True):
            if mine in old.cells:
                mine, its = mine.preprocess, its.preprocess
            else:
                mine, its = [mine], [its]
            for a, b in zip(mine, its, strict=True):
                for before, after in zip(a.variables, b.variables, strict=True):
                    if before.shape != after.shape:
                        _fill_behind(after, before.shape, self.noise, random)


@dataclasses.dataclass(frozen=True)
class Duplicate(Change):
    """One more copy of an operation of an edge, with the same parameters and half of its weight.

    w/2 f(W_1 .) + w/2 f(W_2 .) can become what no f(W .) is (Jie and Gao, arXiv 2106.07211).

    Attributes:
        cell_type, edge, operation: where.
        offsets: for every cell of the type, by which the parameters of the original are moved, and
            those of the copy in the opposite direction, of the shapes of its variables; None for
            copies that are equal.
        noise: standard deviation of what is added to the parameters of both: equal copies have
            equal gradients for ever.
    """

    cell_type: str
    edge: int
    operation: str
    offsets: Sequence[Sequence[np.ndarray]] | None = dataclasses.field(default=None, compare=False)
    noise: float = 1e-3

    def _copy(self, space: Space) -> str:
        """The name of the copy: one that the space has and this edge has not, or a new one."""
        return copies.next_copy(self.operation, space.operations_on(self.cell_type)[self.edge])

    def space(self, space):
        name, operations = self._copy(space), list(space.operations)
        candidates = {
            t: [list(names) for names in space.operations_on(t)] for t in space.cell_types
        }
        candidates[self.cell_type][self.edge].append(name)
        if name not in operations:
            operations.append(name)
        return dataclasses.replace(space, operations=tuple(operations), edge_operations=candidates)

    def origin(self, space):
        return {(self.cell_type, self.edge, self._copy(space)): self.operation}

    def start(self, old, new, random):
        name = self._copy(old.space)
        halve(new, self.cell_type, self.edge, self.operation, name)
        cells = [cell for cell in new.cells if cell.cell_type == self.cell_type]
        for number, cell in enumerate(cells):
            variables = operation_variables(cell, self.cell_type)
            for sign, which in ((1, self.operation), (-1, name)):
                for i, variable in enumerate(variables[self.cell_type, self.edge, which]):
                    moved = 0.0 if self.offsets is None else sign * self.offsets[number][i]
                    value = keras.ops.convert_to_numpy(variable) + moved
                    _give(variable, value, self.noise, random)


@dataclasses.dataclass(frozen=True)
class Split(Change):
    """The split of an operation that lowers the loss most; see `split_gains`.

    As Jie and Gao choose it (arXiv 2106.07211): the operation with the most units whose smallest
    eigenvalue is negative, of equally many the one with the smallest sum. It becomes two copies,
    theta + d and theta - d, with half of its weight each. Where no eigenvalue is negative, no split
    lowers the loss, and nothing changes.

    Attributes:
        length: of d in every unit with a negative eigenvalue; that of the authors' code of
            splitting steepest descent.
        every: whether all operations that have such a unit are split.
        noise: see `Duplicate`.
    """

    length: float = 1e-2
    every: bool = False
    noise: float = 1e-3

    def decided(self, supernet, gains):
        """The copies with their offsets; none where no split lowers the loss."""
        found = gains(supernet)
        splits = [place for place, (negative, _) in found.ranked() if negative]
        return tuple(
            Duplicate(*place, found.offsets(place, self.length), noise=self.noise)
            for place in (splits if self.every else splits[:1])
        )


@dataclasses.dataclass(frozen=True)
class Prune(Change):
    """Operations of an edge go; their weight is the others', in their proportion.

    Attributes:
        cell_type, edge: where.
        operations: the names of those that stay.
    """

    cell_type: str
    edge: int
    operations: tuple[str, ...]

    def space(self, space):
        candidates = {t: list(space.operations_on(t)) for t in space.cell_types}
        candidates[self.cell_type][self.edge] = self.operations
        return space.restrict(candidates)


def halve(supernet: Supernet, cell_type: str, edge: int, operation: str, copy: str) -> None:
    """Gives an operation and its copy half of the operation's weight each."""
    alpha = supernet.architecture.parameters[cell_type]["alpha"]
    values = keras.ops.convert_to_numpy(alpha).copy()
    place = [supernet.space.operations.index(name) for name in (operation, copy)]
    values[edge, place] = logits.shared(values[edge], place[0])[[place[0], -1]]
    alpha.assign(values)


def _give(variable, value, noise: float, random: np.random.Generator) -> None:
    """A value, None for the one it has, with noise."""
    if value is None:
        value = keras.ops.convert_to_numpy(variable)
    shape = tuple(variable.shape)
    drawn = noise * random.normal(size=shape) if noise else 0.0
    variable.assign(np.broadcast_to(value, shape) + drawn)


def _fill_behind(variable, shape, noise: float, random: np.random.Generator) -> None:
    """Noise in all entries but the first ones, which are of another shape."""
    value = keras.ops.convert_to_numpy(variable).copy()
    block = noise * random.normal(size=value.shape)
    block[tuple(slice(n) for n in shape)] = value[tuple(slice(n) for n in shape)]
    variable.assign(block)
