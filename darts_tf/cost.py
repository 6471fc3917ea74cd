"""What a network costs: parameters and multiply-adds."""

import keras
import numpy as np
import tensorflow as tf


def parameters(model: keras.Model) -> int:
    """Number of trained weights; batch normalisation's moving statistics are not counted."""
    return int(sum(np.prod(v.shape) for v in model.trainable_variables))


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of convolutions and dense layers for one image, as the literature counts.

    Counted in the model's own graph. Normalisation, pooling and activations are left out. A dilated
    convolution over an image whose sides its dilation does not divide counts a little too much,
    because TensorFlow pads it.
    """
    # Only a functional model has inputs; a supernet knows its shape from its arguments.
    inputs = getattr(model, "inputs", None)
    shape = inputs[0].shape[1:] if inputs else model.get_config()["input_shape"]
    images = tf.TensorSpec((1, *shape), tf.float32)
    call = tf.function(lambda x: model(x, training=False), autograph=False)
    graph = call.get_concrete_function(images).graph
    return sum(_COUNTS[op.type](op) for op in graph.get_operations() if op.type in _COUNTS)


def model_of(make, shape) -> keras.Model:
    """A model of one layer.

    Args:
        make: returns the layer.
        shape: of its input, without the batch.
    """
    inputs = keras.Input(shape)
    return keras.Model(inputs, make()(inputs))


def _convolution(op) -> int:
    height, width, inputs, _ = op.inputs[1].shape
    return int(np.prod(op.outputs[0].shape)) * height * width * inputs


def _depthwise(op) -> int:
    height, width, _, _ = op.inputs[1].shape
    return int(np.prod(op.outputs[0].shape)) * height * width


def _dense(op) -> int:
    return int(np.prod(op.outputs[0].shape)) * op.inputs[0].shape[-1]


_COUNTS = {"Conv2D": _convolution, "DepthwiseConv2dNative": _depthwise, "MatMul": _dense}
