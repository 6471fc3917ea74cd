"""Candidate operations of a cell's edges, registered by the literature's names."""

from darts_tf.operations.convolutions import FactorizedReduce, ReLUConvBN
from darts_tf.operations.noise import Noise
from darts_tf.operations.operation import Operation, create, names, register, specimen
from darts_tf.operations.pooling import Pooling
from darts_tf.operations.skip import Identity, Zero

__all__ = [
    "FactorizedReduce",
    "Identity",
    "Noise",
    "Operation",
    "Pooling",
    "ReLUConvBN",
    "Zero",
    "create",
    "names",
    "register",
    "specimen",
]
