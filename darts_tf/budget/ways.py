"""The ways through a cell, from its inputs to its output, as numbers that a model learns from."""

import math

from darts_tf.genotypes.genotype import CellGenotype
from darts_tf.spaces import Space
from darts_tf.supernets.parameter_free import is_parameter_free

_SKIP, _NOTHING = "skip_connect", "none"


def ways(space: Space, cell: CellGenotype) -> list[float]:
    """What an operation does depends on what lies before and behind it, which edges do not show.

    A way is a sequence of edges from an input to a node that is part of the output, none of which
    is `none`. White, Neiswanger, Savani (BANANAS, AAAI 2021, section 4.1) encode which sequences of
    operations are there; of deeper cells these are too many for the few scores of a search, so here
    they are counted by how many of their operations learn, and how many others, such as poolings,
    change what passes.

    Args:
        space: the search space.
        cell: of it.

    Returns:
        The square root of the number of ways; most, fewest and mean operations that learn; fewest
        and mean of the others; whether something passes by skip connections alone; and the square
        root of the number of ways that learn and meet nothing else. Of a cell without a way: zeros,
        and for the others as many as it has nodes, the most that there could be.
    """
    found = [[(0, 0)] for _ in range(space.inputs)]
    for edges in cell.nodes:
        here = []
        for operation, source in edges:
            if operation != _NOTHING:
                learns = not is_parameter_free(operation)
                other = not learns and operation != _SKIP
                here += [(a + learns, b + other) for a, b in found[source]]
        found.append(here)
    all_ways = [way for state in space.concat for way in found[state]]
    if not all_ways:
        most = float(len(cell.nodes))
        return [0.0, 0.0, 0.0, 0.0, most, most, 0.0, 0.0]
    learning, others = zip(*all_ways, strict=True)
    count = len(all_ways)
    straight = sum(a > 0 and b == 0 for a, b in all_ways)
    return [
        math.sqrt(count),
        float(max(learning)),
        float(min(learning)),
        sum(learning) / count,
        float(min(others)),
        sum(others) / count,
        float((0, 0) in all_ways),
        math.sqrt(straight),
    ]
