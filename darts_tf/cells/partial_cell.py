"""The relaxed cells of PC-DARTS: candidate operations see a part of the channels."""

import keras
import tensorflow as tf

from darts_tf.cells.batched_cell import BatchedMixedCell
from darts_tf.cells.cell import MixedCell
from darts_tf.common.errors import UserError
from darts_tf.layers.pooling import max_pool
from darts_tf.runtime import shared_traces


def shuffle(inputs, groups: int) -> tf.Tensor:
    """Channel shuffle: the channels of all groups in turn.

    Zhang, Zhou, Lin, Sun, ShuffleNet, CVPR 2018. With 8 channels in 4 groups the output has the
    input's channels 0, 2, 4, 6, 1, 3, 5, 7. `shuffle(x, channels // groups)` undoes it.

    Args:
        inputs: `[batch, height, width, channels]`.
        groups: divides the channels.
    """
    *_, height, width, channels = inputs.shape
    grouped = tf.reshape(inputs, [-1, height, width, groups, channels // groups])
    return tf.reshape(tf.transpose(grouped, [0, 1, 2, 4, 3]), [-1, height, width, channels])


def check_portion(channels: int, portion: int) -> int:
    """The number of channels that go through the operations.

    Raises:
        UserError: `portion` does not divide the channels.
    """
    if channels % portion:
        raise UserError(
            f"1/{portion} of the channels goes through the operations, so {portion} must divide "
            f"the channels of every cell; got {channels}. Use a multiple of {portion}"
        )
    return channels // portion


def bypass(inputs, strides: int) -> tf.Tensor:
    """Passes the other channels on as they are, or through 2x2 max pooling with strides of 2.

    Odd sizes, which the reference does not take, are padded at the end, so that the output has
    ceil(size / 2) rows and columns like every operation's.
    """
    if strides == 1:
        return inputs
    return max_pool(inputs, 2, 2, "SAME")


class _Partial:
    """The mixin of both cells: a portion of the channels goes through the operations."""

    controls = ()
    graph_factor = None

    def __init__(
        self, space, channels, reduction=False, reduction_before=False, portion=4, **kwargs
    ):
        kwargs["operation_channels"] = check_portion(channels, portion)
        super().__init__(space, channels, reduction, reduction_before, **kwargs)
        self.portion = portion

    def _build_preprocess(self, input_shape):
        shapes = super()._build_preprocess(input_shape)
        return [(*shape[:-1], shape[-1] // self.portion) for shape in shapes]

    def get_config(self):
        config = super().get_config()
        # The portion says it.
        del config["operation_channels"]
        return {**config, "portion": self.portion}


@keras.saving.register_keras_serializable("darts_tf")
class PartialMixedCell(_Partial, MixedCell):
    """The relaxed cell of PC-DARTS, edge by edge.

    Xu et al., ICLR 2020. On an edge the first 1/K of a state's channels go through the mixed
    operation, the others pass by (through 2x2 max pooling where the edge strides); the result of
    both is shuffled in K groups, so that the next node's operations see other channels. A node is
    the sum over its edges of edge weight * result. The authors sample no channels either.

    Args:
        space: the name of the search space.
        channels, reduction, reduction_before: see `Cell`.
        portion: K. Default 4.

    Call arguments:
        inputs: the outputs of the cells before.
        weights: the operation weights `[edges, operations]` and the edge weights `[edges]`, a pair.

    Input shape: `[batch, height, width, channels]` of each input.
    Output shape: `[batch, height', width', channels * nodes]`, halved in a reduction cell.

    Raises:
        UserError: portion does not divide the channels.
    """

    def call(self, inputs, weights):
        of_operations, of_edges = weights
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        for node in range(self._space.nodes):
            terms = [
                tf.cast(of_edges[e], self.compute_dtype)
                * self._edge(e, states[self._space.edges[e].source], of_operations)
                for e in self._space.edges_into(node)
            ]
            states.append(tf.add_n(terms))
        return self._output(states)

    def _edge(self, e, state, weights):
        edge, count = self.edges[e], self.channels // self.portion
        mixed = edge(state[..., :count], self._weights(weights, e))
        both = mixed, bypass(state[..., count:], edge.strides)
        return shuffle(tf.concat(both, axis=-1), self.portion)


@keras.saving.register_keras_serializable("darts_tf")
class BatchedPartialCell(_Partial, BatchedMixedCell):
    """The same function as `PartialMixedCell`, with all edges that leave a state computed together.

    Its weights are those of `PartialMixedCell`, concatenated as in `BatchedMixedCell`. Shuffling
    commutes with the sum over edges, so it is done once for each node.

    Args:
        space, channels, reduction, reduction_before, portion: see `PartialMixedCell`.

    Call arguments, input shape, output shape: those of `PartialMixedCell`.

    Raises:
        UserError: portion does not divide the channels.
    """

    def call(self, inputs, weights):
        of_operations, of_edges = weights
        # The edge weight is a factor of all the operation weights of its edge.
        of_operations = of_operations * of_edges[:, None]
        of_edges = tf.unstack(tf.cast(of_edges, self.compute_dtype))
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        nodes = self._space.nodes
        mixed, passed = ([[] for _ in range(nodes)] for _ in range(2))
        selected, count = self._by_source(of_operations), self.channels // self.portion

        def node(i):
            both = tf.add_n(mixed[i]), tf.add_n(passed[i])
            return shuffle(tf.concat(both, axis=-1), self.portion)

        for source, edges, operation in self._sources():
            while len(states) <= source:
                states.append(node(len(states) - len(self.preprocess)))
            outputs = shared_traces.call(
                operation, operation.key, states[source][..., :count], selected[source]
            )
            others = bypass(states[source][..., count:], operation.strides)
            for e, output in zip(edges, tf.split(outputs, len(edges), axis=-1), strict=True):
                mixed[self._nodes[e]].append(output)
                passed[self._nodes[e]].append(of_edges[e] * others)
        states += [node(i) for i in range(len(states) - len(self.preprocess), nodes)]
        return self._output(states)
