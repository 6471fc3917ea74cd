"""Which genotypes compute the same, so that no time is spent on one of them twice."""

from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import Space


def key(genotype: Genotype) -> tuple:
    """A value that is equal for two genotypes only if their networks are the same functions.

    A cell is written as what its nodes are the sums of, in terms of its inputs: the order of the
    edges of a node is left out, and in cells that do not stride so are operations of nothing
    (`none`, and all of what it leads to) and skip connections, which are what they skip from. Of
    NAS-Bench-201's 15,625 cells 4,930 are different.

    Equal functions with other keys are possible, such as two nodes of a concatenation that have
    changed places.
    """
    space = genotype.search_space
    return tuple(
        _cell(space, genotype[cell_type].nodes, number == 0)
        for number, cell_type in enumerate(space.cell_types)
    )


def _cell(space: Space, nodes, same_size: bool) -> tuple:
    states = [((f"input {i}",),) for i in range(space.inputs)]
    for edges in nodes:
        terms = []
        for operation, source in edges:
            # A skip connection that strides is a layer with weights.
            if operation == "skip_connect" and same_size:
                terms += states[source]
            elif operation != "none" and states[source]:
                terms.append((operation, states[source]))
        states.append(tuple(sorted(terms, key=repr)))
    numbers = [space.inputs + i for i in range(len(nodes))]
    return tuple(states[n] for n in (numbers[-1:] if space.output == "last" else numbers))
