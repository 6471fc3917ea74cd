"""The mixed operation: the continuous relaxation of an edge."""

import keras
import tensorflow as tf

from darts_tf import operations
from darts_tf.layers.chain import Chain
from darts_tf.layers.convolutions import batch_normalization
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.runtime import distribution


@keras.saving.register_keras_serializable("darts_tf")
class MixedOp(keras.layers.Layer):
    """The weighted sum of all candidate operations of an edge.

    o(x) = sum_k weights[k] * operation_k(x) (Liu, Simonyan, Yang, ICLR 2019, equation 2). The
    weights are an input: how they come from architecture variables is the relaxation's business.
    `none` contributes zeros, whatever its weight, and is never computed.

    Args:
        operations: names of the candidate operations.
        channels: channels of input and output.
        strides: 1 or 2.
        normalized_pooling: whether poolings are followed by batch normalisation without scale and
            offset, as in DARTS.
        auxiliary_skip: whether there is a skip connection beside the candidates.

    Call arguments:
        inputs: the state that the edge leaves.
        weights: the operation weights `[len(operations)]`.
        skip_dropout: (rate, seed) of the dropout behind an identity; None for none.
        auxiliary_skip: the factor of the auxiliary skip connection, which a layer that was made
            with it needs.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, ceil(height / strides), ceil(width / strides), channels]`.
    """

    def __init__(
        self,
        operations,
        channels: int,
        strides: int = 1,
        normalized_pooling=True,
        auxiliary_skip: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.operations = tuple(operations)
        self.channels = channels
        self.strides = strides
        self.normalized_pooling = normalized_pooling
        self.auxiliary = None
        with inner_layers(self.dtype_policy):
            self.candidates = [
                candidate(name, channels, strides, normalized_pooling) for name in self.operations
            ]
            if auxiliary_skip:
                self.auxiliary = candidate("skip_connect", channels, strides, normalized_pooling)

    # Keras wants these names here and below: an argument of `call`, then `_shape`.
    def build(self, inputs_shape):
        for layer in [*self.candidates, *([self.auxiliary] if self.auxiliary else [])]:
            layer.build(inputs_shape)
        self.built = True

    def call(self, inputs, weights, skip_dropout=None, auxiliary_skip=None):
        terms = [
            weights[k] * self._output(layer, inputs, skip_dropout)
            for k, layer in enumerate(self.candidates)
            if not isinstance(layer, operations.Zero)
        ]
        if self.auxiliary is not None:
            outputs = self.auxiliary(inputs)
            terms.append(tf.cast(auxiliary_skip, outputs.dtype) * outputs)
        return tf.add_n(terms) if terms else self.candidates[0](inputs)

    def _output(self, layer, inputs, skip_dropout):
        outputs = layer(inputs)
        if skip_dropout is None or not isinstance(layer, operations.Identity):
            return outputs
        rate, seed = skip_dropout
        return dropout(outputs, rate, seed)

    def compute_output_shape(
        self, inputs_shape, weights_shape=None, skip_dropout_shape=None, auxiliary_skip_shape=None
    ):
        return self.candidates[0].compute_output_shape(inputs_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "operations": list(self.operations),
            "channels": self.channels,
            "strides": self.strides,
            "normalized_pooling": self.normalized_pooling,
            "auxiliary_skip": self.auxiliary is not None,
        }


def dropout(inputs, rate, seed):
    """Sets every number to zero with probability `rate`, and scales the others by 1/(1-rate).

    Replicas drop different numbers, together those that one device would drop.

    Args:
        inputs: any shape.
        rate: a float32 scalar in [0, 1).
        seed: `[2]` int32; the same seed drops the same numbers.
    """
    draws = distribution.own_examples(
        lambda shape: tf.random.stateless_uniform(shape, seed), tf.shape(inputs)
    )
    kept = draws >= rate
    return inputs * tf.cast(tf.where(kept, 1 / (1 - rate), 0.0), inputs.dtype)


def candidate(name: str, channels: int, strides: int, normalized_pooling) -> keras.layers.Layer:
    """A candidate operation as a supernet has it: without learned scale and offset."""
    layer = operations.create(name, channels, strides=strides, affine=False)
    if isinstance(layer, operations.Pooling) and normalized_pooling:
        return Normalized(layer)
    return layer


@keras.saving.register_keras_serializable("darts_tf")
class Normalized(Chain):
    """A layer followed by batch normalisation without scale and offset.

    Args:
        layer: the layer.
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer
        with inner_layers(self.dtype_policy):
            self.parts = [layer, batch_normalization(affine=False)]

    def get_config(self):
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config):
        config["layer"] = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**config)
