"""What the replicas of a search's step exchange: counted in the traced step, and expected."""

import dataclasses

import numpy as np

from darts_tf.supernets.supernet import Supernet

_REDUCTIONS = ("CollectiveReduce", "CollectiveReduceV2", "CollectiveReduceV3")
# Of a channel that is normalised: its sum and the sum of its squares, and their gradients.
_STATISTICS = 2
# A step of the architecture and one of the weights, each forward and backward.
_PASSES = 4
_FLOAT = 4


@dataclasses.dataclass(frozen=True)
class Traffic:
    """The all-reduces that one replica takes part in, in one step.

    Attributes:
        elements: how many numbers each of them sums over the replicas.
        bytes: of all of them together.
    """

    elements: tuple[int, ...]
    bytes: int

    def sent(self, replicas: int) -> float:
        """The bytes that a replica sends, and receives, where each all-reduce goes round a ring.

        That is `2 (R - 1) / R` times `bytes`, which is the least possible (Patarasuk, Yuan.
        Bandwidth Optimal All-reduce Algorithms for Clusters of Workstations. JPDC 2009).
        """
        return 2 * (replicas - 1) / replicas * self.bytes

    def seconds(self, replicas: int, bytes_per_second: float, latency: float) -> float:
        """How long the replicas exchange in a step if nothing is computed meanwhile.

        Args:
            replicas: their number R.
            bytes_per_second: that a replica sends.
            latency: seconds of one of the `2 (R - 1)` messages that it sends in an all-reduce.
        """
        messages = 2 * (replicas - 1) * len(self.elements)
        return self.sent(replicas) / bytes_per_second + messages * latency


def traffic(function) -> Traffic:
    """Counts the all-reduces of a step that was traced under a `tf.distribute` strategy.

    Those in functions that it calls, such as the body of a loop, are not counted. Passes of several
    replicas call none, see `SupernetProblem`, but batches that are computed in parts do.

    Args:
        function: a concrete function, such as `TrainFunction.traced`.
    """
    found = [op for op in function.graph.get_operations() if op.type in _REDUCTIONS]
    # The replicas of this process are all in one graph.
    first = min((op.device for op in found), default="")
    own = [op.inputs[0] for op in found if op.device == first]
    sizes = [int(np.prod(tensor.shape)) for tensor in own]
    total = sum(n * tensor.dtype.size for n, tensor in zip(sizes, own, strict=True))
    return Traffic(tuple(sizes), total)


def of_first_order_step(supernet: Supernet) -> Traffic:
    """What the replicas exchange in a first-order step, at most.

    The gradients of the alphas and of the weights, once each, and of every layer of batch
    normalisation two numbers a channel, in both steps, forward and backward. The normalisations
    before the first mixture need no gradient in the step of the architecture, and exchange that
    much less.

    Args:
        supernet: built.
    """
    alphas, weights = (
        sum(int(np.prod(variable.shape)) for variable in variables)
        for variables in (supernet.architecture_variables, supernet.weight_variables)
    )
    channels = [
        int(np.prod(variable.shape))
        for variable in supernet.non_trainable_variables
        if variable.path.endswith("moving_mean")
    ]
    statistics = [_STATISTICS * count for count in channels] * _PASSES
    elements = (alphas, weights, *statistics)
    return Traffic(elements, _FLOAT * sum(elements))
