"""Whether operation weights decide a cell, or leave it close to a draw."""

from collections.abc import Iterable, Mapping

import numpy as np

from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space, check_operation_weights

#: An operation whose weight is above the next one's by less than this share has not won. Were every
#: gradient of DARTS' own search nothing but noise, with a sign that is tossed anew in every step,
#: the difference of two alphas, which is the logarithm of the ratio of their weights, would have a
#: standard deviation of 3e-4 * sqrt(2 * 19,500) = 0.059 in the end.
CLOSE = 0.06
_SHARE = 0.5

#: Cell type -> for every node, for every edge into it.
Leads = dict[str, list[list[float]]]


def lead(row: np.ndarray, chosen: int, candidates: Iterable[int]) -> float:
    """By what share the weight of an operation is above that of the next one.

    Args:
        row: the operation weights of an edge, `[operations]`, not negative.
        chosen: the number of the operation.
        candidates: the numbers of those that it is compared with. Of them count those that do not
            weigh more: a selection that has passed them over had another reason.

    Returns:
        0 for equal weights, 0.5 for half as much again; infinite where nothing else has weight.
    """
    others = [float(row[k]) for k in candidates if k != chosen and row[k] <= row[chosen]]
    if not others or max(others) <= 0:
        return float("inf")
    return float(row[chosen]) / max(others) - 1


def leads(
    space: Space,
    weights: Mapping[str, np.ndarray],
    genotype: Genotype,
    decided: Mapping[tuple[str, int], float] | None = None,
) -> Leads:
    """The `lead` of every operation of a cell over the next one on its edge.

    Args:
        space: the search space.
        weights: cell type -> operation weights `[edges, operations]`, from 0 to 1, no alphas.
        genotype: the cells that were chosen by these weights.
        decided: (cell type, number of the edge) -> its lead when it was decided, for those edges
            that were decided before the end; their weights do not tell.

    Returns:
        Cell type -> for every node, for every edge into it, in the genotype's order.

    Raises:
        UserError: the weights are none, see `darts_tf.spaces.check_operation_weights`.
    """
    found, weights = {}, check_operation_weights(space, weights)
    for cell_type, cell in genotype.cells.items():
        allowed = space.choosable(cell_type)
        found[cell_type] = []
        for node, edges in enumerate(cell.nodes):
            found[cell_type].append([])
            for edge in edges:
                place = space.edges.index((node, edge.source))
                row, chosen = weights[cell_type][place], space.operations.index(edge.operation)
                # Of two operations that share an edge neither is the other's rival.
                taken = {
                    space.operations.index(e.operation) for e in edges if e.source == edge.source
                }
                rivals = set(np.flatnonzero(allowed[place]).tolist()) - taken
                own = lead(row, chosen, rivals)
                found[cell_type][-1].append((decided or {}).get((cell_type, place), own))
    return found


def close(found: Leads) -> dict[str, int]:
    """Cell type -> on how many of its edges the lead is below `CLOSE`."""
    return {name: sum(x < CLOSE for x in _flat(nodes)) for name, nodes in found.items()}


def is_draw(found: Leads) -> bool:
    """Whether at least half of the edges of a cell type are close to a draw."""
    counts = close(found)
    return any(counts[name] >= max(1, _SHARE * len(_flat(nodes))) for name, nodes in found.items())


def describe(found: Leads) -> str:
    """How many edges are close to a draw, and how close, in words."""
    edges = [
        f"{count} of the {len(_flat(found[name]))} edges of the {name} cell"
        for name, count in close(found).items()
        if count
    ]
    within = max(x for nodes in found.values() for x in _flat(nodes) if x < CLOSE)
    return (
        f"on {' and '.join(edges)} the operation weights are still equal to within "
        f"{100 * within:.2g} % (the chosen operation and the next one): this cell is close to a "
        "draw"
    )


def _flat(nodes) -> list[float]:
    return [one for edges in nodes for one in edges]


#: What a user can do about it.
CURE = (
    "What to do: search with more steps (--epochs, --train_examples) or with a larger "
    "--architecture_learning_rate, or choose from this supernet by its losses (python -m "
    "train.select --run_dir=RUN --selection=operation_strength,removal). From another seed the "
    "search is likely to end in another cell"
)
