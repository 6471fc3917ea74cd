"""The cell of methods that sample one operation an edge: only the sampled ones are computed."""

import itertools
import types
from typing import NamedTuple

import keras
import tensorflow as tf

from darts_tf.cells.batched_cell import BatchedMixedCell, _longer_axis
from darts_tf.cells.mixed_op import MixedOp
from darts_tf.cells.sampled_operation import SampledOperation, shared
from darts_tf.common.constant_weights import weights_are_constant
from darts_tf.common.errors import UserError


class _Place(NamedTuple):
    """Where a weight that a plain cell would hold belongs.

    Attributes:
        edge: its number among those that leave the state.
        operation: the number of the candidate.
        trained: whether it is a weight, not a moving statistic.
        index: its place among all weights, or all statistics, of the candidates.
        shape: its shape.
    """

    edge: int
    operation: int
    trained: bool
    index: int
    shape: tuple


class _Part(NamedTuple):
    """A variable of a batched cell, and how edges divide it.

    Attributes:
        variable: the variable.
        axis: along which the edges have equal shares; None if each has all of it.
        places: one for each edge.
    """

    variable: keras.Variable
    axis: int | None
    places: list[_Place]

    def mask(self, chosen) -> tf.Tensor:
        """Which of its entries belong to the operations `chosen` on the edges; broadcasts to it."""
        hits = [chosen[place.edge] == place.operation for place in self.places]
        if self.axis is None:
            return tf.reduce_any(hits)
        hits = tf.repeat(tf.stack(hits), self.places[0].shape[self.axis])
        shape = [1] * len(self.variable.shape)
        shape[self.axis] = -1
        return tf.reshape(hits, shape)

    def split(self) -> list[tf.Tensor]:
        """Its value for each edge."""
        value, count = tf.convert_to_tensor(self.variable), len(self.places)
        return [value] * count if self.axis is None else tf.split(value, count, self.axis)


@keras.saving.register_keras_serializable("darts_tf")
class SampledCell(BatchedMixedCell):
    """A relaxed cell that computes one operation on each edge.

    It has the variables of `BatchedMixedCell`, so that weights, checkpoints and converters are
    the same, and for operation weights with one entry other than zero in each row it is the same
    function: the sum over the edges of weight * operation(state). The choice is a tensor: all
    architectures run in one graph. Of the operations that were not chosen nothing is touched;
    the gradients in their weights are exactly zero, and their moving statistics stay as they are.
    (An optimizer with momentum or L2 moves the weights nevertheless, as in GDAS' own code, unless
    it is held back by `chosen_weights`.)

    The gradient in the operation weights is that of the chosen entries, zero elsewhere. Each
    edge stores its state only, and computes the operation again when it is differentiated.

    Args:
        space: the name of the search space.
        channels, reduction, reduction_before: see `Cell`.

    Call arguments:
        inputs: the outputs of the cells before.
        weights: the operation weights `[edges, operations]`. The largest of a row is chosen.
        training: whether there is normalisation by the batch.
        mixed: whether all operations are computed and mixed, as in a `BatchedMixedCell`.

    Input shape: `[batch, height, width, channels]` of each input.
    Output shape: `[batch, height', width', channels * nodes]`, halved in a reduction cell.

    Raises:
        UserError: (when called) under a `tf.distribute` strategy with several replicas, whose
            batch normalisation would have to communicate within a branch of a conditional, which
            TensorFlow does not do; an operation has a random state.
    """

    samples = True
    graph_factor = None

    def __init__(self, space: str, channels, reduction=False, reduction_before=False, **kwargs):
        super().__init__(space, channels, reduction, reduction_before, **kwargs)
        # For every state that edges leave. Made here in any case, because new layers draw the
        # seeds of their weights: what a network starts from must not depend on what was shared.
        candidates = [
            MixedOp(
                self._space.operations,
                channels,
                self._strides(source),
                self._space.normalized_pooling,
                dtype=self.dtype_policy,
            ).candidates
            for source, _, _ in self._sources()
        ]
        # In an object of its own, so that Keras does not take the layers for parts of this one.
        self._hidden = types.SimpleNamespace(candidates=candidates, plan=[])

    def build(self, inputs_shape):
        super().build(inputs_shape)
        before, inside = self._shapes(inputs_shape)
        for (source, edges, operation), candidates in zip(
            self._sources(), self._hidden.candidates, strict=True
        ):
            sampled = shared(candidates, before if source < len(self.preprocess) else inside)
            shared_variables = _shared_variables(operation, sampled.candidates, len(edges))
            self._hidden.plan.append((sampled, shared_variables))

    @property
    def sampled_operations(self) -> list[SampledOperation]:
        """The operations that compute the edges of each state that edges leave."""
        return [sampled for sampled, _ in self._hidden.plan]

    def chosen_weights(self, weights):
        chosen = tf.argmax(weights, axis=-1, output_type=tf.int32)
        return [
            (part.variable, part.mask(tf.gather(chosen, edges)))
            for (_, edges, _), (_, shared_variables) in zip(
                self._sources(), self._hidden.plan, strict=True
            )
            for part in shared_variables
            if part.places[0].trained
        ]

    def call(self, inputs, weights, training=None, mixed=False):
        if mixed:
            return super().call(inputs, weights)
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            raise UserError(
                "methods that sample one operation an edge run on one device, got "
                f"{replica.num_replicas_in_sync}; use --distribute=none"
            )
        chosen = tf.argmax(weights, axis=-1, output_type=tf.int32)
        scales = tf.gather(weights, chosen, batch_dims=1)
        choices = list(zip(tf.unstack(chosen), tf.unstack(scales), strict=True))
        modes = bool(training), weights_are_constant()
        states = [layer(x) for layer, x in zip(self.preprocess, inputs, strict=True)]
        terms = [[] for _ in range(self._space.nodes)]
        for (source, edges, _), (sampled, shared_variables) in zip(
            self._sources(), self._hidden.plan, strict=True
        ):
            while len(states) <= source:
                states.append(tf.add_n(terms[len(states) - len(self.preprocess)]))
            trained, statistics = (
                _values(shared_variables, len(edges), which) for which in (True, False)
            )
            for i, e in enumerate(edges):
                output, statistics[i] = sampled(
                    states[source], *choices[e], trained[i], statistics[i], *modes
                )
                terms[self._nodes[e]].append(output)
            if modes == (True, False):
                _assign_statistics(shared_variables, statistics, tf.gather(chosen, edges))
        states += [tf.add_n(term) for term in terms[len(states) - len(self.preprocess) :]]
        return self._output(states)


def _shared_variables(operation, candidates, edges: int) -> list[_Part]:
    """How the variables of a `BatchedMixedOp` belong to the candidates of its edges."""
    plain = [types.SimpleNamespace(candidates=_placeholders(candidates, e)) for e in range(edges)]
    return [
        _Part(variable, _longer_axis(variable, places), places)
        for variable, places in operation.matching_weights(plain)
    ]


def _placeholders(candidates, edge: int) -> list:
    """Stand-ins for the candidates of an edge, whose weights are places."""
    counts = {True: itertools.count(), False: itertools.count()}
    stand_ins = []
    for k, layer in enumerate(candidates):
        trained = {id(weight) for weight in layer.trainable_weights}
        places = [
            _Place(edge, k, id(w) in trained, next(counts[id(w) in trained]), tuple(w.shape))
            for w in layer.weights
        ]
        stand_ins.append(types.SimpleNamespace(weights=places))
    return stand_ins


def _values(shared_variables, edges: int, trained: bool) -> list[list[tf.Tensor]]:
    """The weights, or the statistics, of every edge in the order of its candidates."""
    values = [{} for _ in range(edges)]
    for part in shared_variables:
        if part.places[0].trained == trained:
            for place, value in zip(part.places, part.split(), strict=True):
                values[place.edge][place.index] = value
    return [[value for _, value in sorted(of_edge.items())] for of_edge in values]


def _assign_statistics(shared_variables, statistics, chosen) -> None:
    """Assigns what the edges, which chose the operations `chosen`, made of the statistics."""
    for part in shared_variables:
        if part.places[0].trained:
            continue
        values = [statistics[place.edge][place.index] for place in part.places]
        if part.axis is not None:
            value = tf.concat(values, part.axis)
        elif len(values) == 1:
            value = values[0]
        else:
            # Edges that share a statistic and chose its operation have made the same of it.
            is_chosen = tf.cast(chosen == part.places[0].operation, tf.int32)
            value = tf.gather(tf.stack(values), tf.argmax(is_chosen))
        # Nothing is differentiated through a statistic; saying so keeps the graph small.
        part.variable.assign(tf.stop_gradient(value))
