"""The two-input backbone of Jie and Gao (arXiv 2106.07211, equation 3): a chain that can grow.

Every node takes x_t, what the cell reads at the step t, and the node before it, the first one
h_{t-1}; its value is the sum of its operations of both, and h_t is the last node. See
`darts_tf.cells.recurrent.two_input_operations` for the operations.

The text that could be read names one candidate, the Hadamard product. The others are our reading:
the activations of DARTS' recurrent space, and `gated`, without which no chain is an LSTM or a GRU
(`darts_tf.cells.recurrent.two_input_gates` shows both).
"""

import dataclasses

from darts_tf.spaces.copies import kind_of
from darts_tf.spaces.space import EdgePlace, Space

OPERATIONS = ("tanh", "sigmoid", "relu", "identity", "hadamard", "gated")


def chain(nodes: int, operations: tuple[str, ...] = OPERATIONS) -> Space:
    """The space of chains of a length; that of `TWO_INPUT_RNN` but for the number of nodes.

    Args:
        nodes: of the chain, at least 1.
        operations: the candidates of every node.
    """
    return Space(
        name="two_input_rnn",
        operations=tuple(operations),
        nodes=nodes,
        inputs=1,
        edges_per_node=1,
        cell_types=("recurrent",),
        edges=[EdgePlace(node, node) for node in range(nodes)],
        output="last",
        preprocess=None,
        macro="language_model",
        kind="two_input",
    )


def found_in(space: Space) -> Space:
    """The space that the cells found in a grown one belong to: as many nodes, no copies, no gaps.

    Args:
        space: of chains, perhaps with copies of operations or fewer candidates on some nodes.
    """
    kinds = dict.fromkeys(kind_of(name) for name in space.operations)
    return dataclasses.replace(space, operations=tuple(kinds), edge_operations=None)


TWO_INPUT_RNN = chain(4)
