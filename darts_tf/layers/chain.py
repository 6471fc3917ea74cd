"""Layers one after the other, inside a layer."""

import keras


class Chain(keras.layers.Layer):
    """Base of layers that are a chain of other layers: y = part_n(... part_1(x)).

    A subclass stores the arguments that `get_config` returns, then sets `self.parts`. Unlike a
    nested `keras.Sequential` it adds nothing to the graph and to the name of a weight.
    """

    parts: list[keras.layers.Layer]

    def build(self, input_shape):
        for part in self.parts:
            part.build(input_shape)
            input_shape = part.compute_output_shape(input_shape)
        self.built = True

    def call(self, inputs):
        for part in self.parts:
            inputs = part(inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        for part in self.parts:
            input_shape = part.compute_output_shape(input_shape)
        return input_shape
