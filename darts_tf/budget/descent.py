"""A network and the steps of its training, each traced once."""

import keras
import numpy as np
import tensorflow as tf

_MOMENTUM, _L2, _CLIP_NORM = 0.9, 3e-4, 5.0
_EVALUATED_AT_ONCE = 250


class Descent:
    """A network and stochastic gradient descent with momentum, as DARTS trains networks.

    All weights are one vector, so are all momenta and all moving statistics: an optimizer that goes
    from weight to weight is two fifths of a step's graph, and a short training spends more time on
    the tracing of its graph than on anything but convolutions.

    Args:
        network: from images to logits. Its own variables are read once and stay as they are.
        class_weights: what an example of each class counts in the loss, `[classes]`.
    """

    def __init__(self, network: keras.Model, class_weights: np.ndarray):
        self._network = network
        self._class_weights = tf.constant(class_weights)
        self._weights = _Vector(network.trainable_variables)
        # Random generators have a state of integers.
        others = network.non_trainable_variables
        self._moving = _Vector([v for v in others if v.dtype == "float32"])
        self._drawing = [v for v in others if v.dtype != "float32"]
        self._momenta = tf.Variable(tf.zeros_like(self._weights.values))
        self._state = [self._weights.values, self._momenta, self._moving.values]
        self._state += [variable.value for variable in self._drawing]
        batch = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
        labels, rate = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32)
        # Concrete ones, because TensorFlow warns of the traces of many networks.
        self.step = _traced(self._step, batch, labels, rate)
        self._logits = _traced(self._infer, batch)

    def _step(self, images, labels, rate):
        weights = tf.convert_to_tensor(self._weights.values)
        given = self._moving.parts()
        with tf.GradientTape() as tape:
            tape.watch(weights)
            given += self._weights.parts(weights)
            with keras.StatelessScope(state_mapping=given) as scope:
                logits = self._network(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            counts = tf.gather(self._class_weights, labels)
            loss = tf.reduce_sum(counts * losses) / tf.reduce_sum(counts)
        found = tape.gradient(loss, weights, unconnected_gradients="zero")
        found *= _CLIP_NORM / tf.maximum(tf.norm(found), _CLIP_NORM)
        momenta = _MOMENTUM * self._momenta + found + _L2 * weights
        self._momenta.assign(momenta)
        self._weights.values.assign(weights - rate * momenta)
        self._moving.assign(scope)
        for variable in self._drawing:
            variable.value.assign(scope.get_current_value(variable))
        return loss

    def _infer(self, images):
        given = self._weights.parts() + self._moving.parts()
        with keras.StatelessScope(state_mapping=given):
            return self._network(images, training=False)

    def logits(self, images) -> np.ndarray:
        """Of images `[N, height, width, channels]`."""
        size = _EVALUATED_AT_ONCE
        parts = [images[i : i + size] for i in range(0, len(images), size)]
        return np.concatenate([self._logits(tf.constant(part)).numpy() for part in parts])

    def values(self) -> list[np.ndarray]:
        """All weights, momenta and moving statistics."""
        return [variable.numpy() for variable in self._state]

    def takes(self, values) -> bool:
        """Whether values are those of such a network; those of earlier versions are not."""
        shapes = [tuple(variable.shape) for variable in self._state]
        return [np.shape(value) for value in values] == shapes

    def assign(self, values) -> None:
        """Takes what `values` gave."""
        for variable, value in zip(self._state, values, strict=True):
            variable.assign(value)


class _Vector:
    """Variables of a network as parts of one, in float32.

    Attributes:
        values: the one.

    Args:
        variables: of the network.
    """

    def __init__(self, variables):
        self._variables = variables
        self._sizes = [int(np.prod(variable.shape)) for variable in variables]
        first = [np.ravel(variable.numpy()) for variable in variables]
        self.values = tf.Variable(np.concatenate([np.zeros(0, np.float32), *first]))

    def parts(self, values=None) -> list[tuple]:
        """(variable, its values), as they are or as part of `values`."""
        values = tf.convert_to_tensor(self.values if values is None else values)
        found = tf.split(values, self._sizes) if self._sizes else []
        return [
            (variable, tf.reshape(part, variable.shape) if len(variable.shape) != 1 else part)
            for variable, part in zip(self._variables, found, strict=True)
        ]

    def assign(self, scope) -> None:
        """Takes the values that variables were given in a scope."""
        if self._variables:
            found = [scope.get_current_value(variable) for variable in self._variables]
            self.values.assign(tf.concat([tf.reshape(x, [-1]) for x in found], 0))


def _traced(function, *arguments):
    return tf.function(function, autograph=False).get_concrete_function(*arguments)
