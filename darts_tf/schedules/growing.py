"""Growing searches: more nodes and operations, as long as the validation loss becomes smaller.

Jie and Gao, "Differentiable Neural Architecture Search with Morphism-based Transformable Backbone
Architectures", arXiv 2106.07211. Two early stops in one another: a backbone that has not improved
for some epochs grows; when that has brought no improvement, the search is over, and its result is
the backbone before.

Where this differs from the algorithm as it is printed: that compares backbones by their loss on the
test data, though the text says validation. A rule that looks at test data chooses by them, so that
their error is no estimate any more; here it is the validation loss, and the test data are for the
end. It also prunes the best architecture with the weights of the last one; here they stay together.

Our reading where the text that could be read is silent: the numbers; that a backbone is judged by
its best epoch, to which the search returns in the end; that it grows from where it is; that what is
removed goes just before the next growth, whose training fine-tunes the rest.
"""

import dataclasses
from collections.abc import Sequence

from darts_tf.common.errors import UserError
from darts_tf.schedules.transitions import Grow, ReturnToBest, Stop
from darts_tf.spaces import Space
from darts_tf.supernets.growth import logits
from darts_tf.supernets.growth.changes import AddNode, Change, Duplicate, Prune, Split

_KINDS = ("node", "duplicate", "split")


@dataclasses.dataclass(frozen=True)
class Growing:
    """The rule of a growing search.

    Args:
        by: what a growth is made of, in its order: "duplicate", one more copy of the operation
            that weighs most on every edge where its weight is above `decided`; "split", two copies
            of the operation whose split lowers the training loss most, moved apart (see
            `darts_tf.supernets.growth.changes.Split`); "node", one more node.
        patience: epochs without a smaller validation loss after which the supernet grows, k.
        stages: how many supernets there are at most, S.
        noise: standard deviation of what is added to new values.
        prune: whether operations of little weight are removed before every growth.
        prune_below: what little is.
        decided: a weight above it makes an operation one to copy, and one whose edge is not pruned.
        nodes: how many nodes a cell has at first; None for as many as the space says.
        split_length: how far the copies of a split are moved, each.
        split_every: whether all operations are split whose split lowers the loss.

    Raises:
        UserError: a number is out of its range, or `by` names something else.
    """

    by: tuple[str, ...] = ("node",)
    patience: int = 5
    stages: int = 8
    noise: float = 1e-3
    prune: bool = False
    prune_below: float = 0.05
    decided: float = 0.5
    nodes: int | None = 1
    split_length: float = 1e-2
    split_every: bool = False

    memory = 1
    eigenvalue_every = 0
    orders = (Grow, ReturnToBest)

    def __post_init__(self):
        object.__setattr__(self, "by", tuple(self.by))
        if not self.by or not set(self.by) <= set(_KINDS):
            raise UserError(f"by is {self.by}; expected some of {', '.join(_KINDS)}")
        if self.patience < 1 or self.stages < 1 or self.noise < 0:
            raise UserError(
                f"patience is {self.patience}, stages {self.stages} and noise {self.noise}; "
                "expected at least 1, at least 1 and at least 0"
            )
        if not 0 < self.split_length < float("inf"):
            raise UserError(f"split_length is {self.split_length}; expected a number above 0")
        if self.nodes is not None and self.nodes < 1:
            raise UserError(f"nodes is {self.nodes}; a cell has at least 1 at first")

    def first_space(self, space: Space) -> Space:
        """The space that the search begins in.

        Args:
            space: what the user asks for.

        Raises:
            UserError: it copies operations, and no edge of the space can hold a copy.
        """
        if {"duplicate", "split"} & set(self.by) and space.kind != "two_input":
            raise UserError(
                f"a search that grows by copies of operations needs the space two_input_rnn, got "
                f"{space.name}, whose edges hold no two operations of one name; use the method "
                "growing, which adds nodes"
            )
        if "node" in self.by and self.stages > 1:
            # Refused before the search, not by its first growth.
            AddNode().space(space)
        if self.nodes is None or space.edge_operations is not None:
            return space
        is_chain = space.kind == "two_input"
        edges = [(node, node) for node in range(self.nodes)] if is_chain else None
        return dataclasses.replace(space, nodes=self.nodes, edges=edges)

    def __call__(self, observations, epochs, space):
        now = observations[-1]
        if not now.losses:
            return ()
        verdict = judge(now.losses, self.patience)
        if verdict == "worse":
            return Stop("growing has not made the validation loss smaller"), ReturnToBest()
        if now.epoch + 1 >= epochs:
            return Stop("the last epoch"), ReturnToBest()
        if verdict == "going on":
            return ()
        if now.losses[-1][0] + 1 >= self.stages:
            return Stop(f"{self.stages} supernets have been trained"), ReturnToBest()
        changes = self._changes(now.weights, space)
        if not changes:
            return Stop("no operation weighs enough to be copied"), ReturnToBest()
        return (Grow(changes),)

    def _changes(self, weights, space) -> tuple[Change, ...]:
        found = []
        copied = {}
        for cell_type in space.cell_types:
            for edge, names in enumerate(space.operations_on(cell_type)):
                row = [weights[cell_type][edge][space.operations.index(name)] for name in names]
                largest = max(range(len(row)), key=row.__getitem__)
                if row[largest] > self.decided:
                    copied[cell_type, edge] = names[largest]
                if self.prune:
                    stay = logits.kept(row, self.prune_below, self.decided)
                    kept = tuple(n for n, stays in zip(names, stay, strict=True) if stays)
                    if len(kept) < len(names):
                        found.append(Prune(cell_type, edge, kept))
        grown = []
        for kind in self.by:
            if kind == "node":
                grown.append(AddNode(self.noise))
            elif kind == "split":
                grown.append(Split(self.split_length, self.split_every, self.noise))
            else:
                grown += [
                    Duplicate(*place, name, noise=self.noise) for place, name in copied.items()
                ]
        return (*found, *grown) if grown else ()


def judge(losses: Sequence[tuple[int, float]], patience: int) -> str:
    """The verdict on the current supernet, by the validation losses.

    Args:
        losses: for every epoch how many times the supernet had grown, and the loss.
        patience: epochs without a smaller loss after which a supernet has been trained.

    Returns:
        "going on" as long as it may become better, then "better" if its smallest loss is smaller
        than that of all supernets before, "worse" if not.
    """
    grown = losses[-1][0]
    own = [loss for number, loss in losses if number == grown]
    before = [loss for number, loss in losses if number < grown]
    smallest = min(own)
    if len(own) - 1 - own.index(smallest) < patience:
        return "going on"
    return "worse" if before and smallest >= min(before) else "better"
