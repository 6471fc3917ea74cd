"""A network and the steps of its training, each traced once."""

import keras
import numpy as np
import tensorflow as tf

_MOMENTUM, _L2, _CLIP_NORM = 0.9, 3e-4, 5.0
_EVALUATED_AT_ONCE = 250


class Descent:
    """A network and stochastic gradient descent with momentum, as DARTS trains networks.

    Args:
        network: from images to logits.
        class_weights: what an example of each class counts in the loss, `[classes]`.
    """

    def __init__(self, network: keras.Model, class_weights: np.ndarray):
        self._network = network
        self._class_weights = tf.constant(class_weights)
        self._weights = [variable.value for variable in network.trainable_variables]
        self._momenta = [tf.Variable(tf.zeros_like(weight)) for weight in self._weights]
        others = [variable.value for variable in network.non_trainable_variables]
        self._state = [*self._weights, *self._momenta, *others]
        batch = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
        labels, rate = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.float32)
        # Concrete ones, because TensorFlow warns of the traces of many networks.
        self.step = _traced(self._step, batch, labels, rate)
        self._logits = _traced(lambda images: network(images, training=False), batch)

    def _step(self, images, labels, rate):
        with tf.GradientTape() as tape:
            logits = self._network(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            counts = tf.gather(self._class_weights, labels)
            loss = tf.reduce_sum(counts * losses) / tf.reduce_sum(counts)
        found = tape.gradient(loss, self._weights, unconnected_gradients="zero")
        found, _ = tf.clip_by_global_norm(found, _CLIP_NORM)
        for weight, momentum, gradient in zip(self._weights, self._momenta, found, strict=True):
            momentum.assign(_MOMENTUM * momentum + gradient + _L2 * weight)
            weight.assign_sub(rate * momentum)
        return loss

    def logits(self, images) -> np.ndarray:
        """Of images `[N, height, width, channels]`."""
        size = _EVALUATED_AT_ONCE
        parts = [images[i : i + size] for i in range(0, len(images), size)]
        return np.concatenate([self._logits(tf.constant(part)).numpy() for part in parts])

    def values(self) -> list[np.ndarray]:
        """All weights, momenta and moving statistics."""
        return [variable.numpy() for variable in self._state]

    def assign(self, values) -> None:
        """Takes what `values` gave."""
        for variable, value in zip(self._state, values, strict=True):
            variable.assign(value)


def _traced(function, *arguments):
    return tf.function(function, autograph=False).get_concrete_function(*arguments)
