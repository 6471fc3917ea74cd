"""How much of a cell learns nothing: the sign of a search that has collapsed.

In a converged supernet the skip connection is favoured because it helps the training, not because
it belongs into the cell (Zela et al., RobustDARTS, ICLR 2020; Wang et al., ICLR 2021, section 4).
"""

from darts_tf import operations
from darts_tf.genotypes import CellGenotype

_KINDS = (operations.Zero, operations.Identity, operations.Pooling, operations.Noise)


def is_parameter_free(name: str) -> bool:
    """Whether an operation is none, a skip connection, a pooling or noise.

    An operation of your own counts as one that learns unless it is of such a class.
    """
    return isinstance(operations.specimen(name, channels=2), _KINDS)


def count(cell: CellGenotype) -> int:
    """How many of a cell's edges hold an operation without parameters."""
    return sum(is_parameter_free(edge.operation) for edge in cell.edges)


def count_skips(cell: CellGenotype) -> int:
    """How many of a cell's edges hold a skip connection."""
    return sum(edge.operation == "skip_connect" for edge in cell.edges)
