"""Layers that keep the outputs of a recurrent layer small, and slow."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("darts_tf")
class ActivationRegularization(keras.layers.Layer):
    """Adds `factor` times the mean square of its inputs to the losses, in training.

    Merity, McCann, Socher, Revisiting Activation Regularization for Language RNNs, 2017, equation
    3: of the outputs after dropout. The inputs pass unchanged.

    Args:
        factor: alpha of the paper; 0 (the default) adds nothing.
    """

    def __init__(self, factor: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs, training=False):
        if training and self.factor:
            self.add_loss(self.factor * ops.mean(ops.square(_wide(inputs))))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("darts_tf")
class Slowness(keras.layers.Layer):
    """Adds `factor` times the mean square of the inputs' change by a step, in training.

    The temporal activation regularisation of the same paper, equation 4: of the outputs before
    dropout. The inputs pass unchanged. Inputs of a single step change nothing.

    Args:
        factor: beta of the paper; 0 (the default) adds nothing.

    Input shape:
        `[batch, time, units]`.
    """

    def __init__(self, factor: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs, training=False):
        if training and self.factor:
            outputs = _wide(inputs)
            change = ops.square(outputs[:, 1:] - outputs[:, :-1])
            count = ops.maximum(ops.cast(ops.size(change), change.dtype), 1.0)
            self.add_loss(self.factor * ops.sum(change) / count)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def _wide(values):
    """Values in float32, or in float64 if they are."""
    return ops.cast(values, keras.backend.result_type(values.dtype, "float32"))
