"""The resource constraint of SNAS as a logarithm: the option `log_penalty` of the authors' code.

A network that is ten times cheaper gains as much wherever it starts from, and no unit has to be
chosen for weights against multiply-adds.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from darts_tf import spaces
from darts_tf.costs import expected_cost


@dataclasses.dataclass(frozen=True)
class LogCostTable:
    """The resources of every operation of a space in SNAS' constraint, in each cell.

    Attributes:
        resources: cell type -> `[cells of that type, 3, edges, operations]`: weights, multiply-adds
            and memory accesses, see `darts_tf.costs.counted.snas_resources`.
    """

    resources: dict[str, np.ndarray]

    def expected(self, mixture: Mapping):
        """The sum over edges of the mean logarithm of the three expected resources.

            sum_e (log(z_e . size_e) + log(z_e . flops_e) + log(z_e . accesses_e)) / 3

        Xie, Zheng, Liu, Lin, SNAS, ICLR 2019, in the authors' code. It is the mean over the cells
        of a type; less than one of a resource counts as one.

        Args:
            mixture: cell type -> operation weights `[edges, operations]`.

        Returns:
            A float32 scalar, differentiable in the weights.
        """
        terms = []
        for cell_type, resources in self.resources.items():
            if not len(resources):
                continue
            each = tf.cast(mixture[cell_type], tf.float32) * tf.constant(resources, tf.float32)
            logs = tf.math.log(tf.maximum(tf.reduce_sum(each, -1), 1.0))
            terms.append(tf.reduce_sum(tf.reduce_mean(logs, [0, 1])))
        return tf.add_n(terms)

    def penalty(self, space: spaces.Space, weight: float) -> Callable[[Mapping], tf.Tensor]:
        """The term to add to the loss: `weight` times this, in units of its value at equal weights.

        The same unit as that of `darts_tf.costs.expected_cost.CostTable.penalty`.

        Args:
            space: the search space.
            weight: of the cost in the loss.
        """
        unit = float(self.expected(expected_cost.equal_weights(space)))
        scale = weight / unit if unit else 0.0
        return lambda mixture: scale * self.expected(mixture)


def table(
    space: str,
    input_shape: tuple[int, ...],
    num_classes: int,
    channels: int | None = None,
    cells: int | None = None,
) -> LogCostTable:
    """Counts the resources of every operation where the derived network would have it.

    Args:
        space: the name of a search space.
        input_shape, num_classes, channels, cells: of the network, as in `Supernet`.

    Raises:
        UserError: there is no such network.
    """
    known = {}

    def measure(kind: int, key, make, shape) -> float:
        if (key, shape) not in known:
            known[key, shape] = expected_cost.snas_resources(make, shape)
        return known[key, shape][kind]

    size = space, input_shape, num_classes, channels, cells
    kinds = [
        expected_cost.costs_by_cell(*size, measure=lambda *layer, kind=kind: measure(kind, *layer))[
            0
        ]
        for kind in range(3)
    ]
    return LogCostTable({name: np.stack([kind[name] for kind in kinds], 1) for name in kinds[0]})
