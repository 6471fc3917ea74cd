"""The counted costs of a network: parameters, multiply-adds and memory accesses."""

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
    return sum(_COUNTS[op.type](op) for op in _inference(model) if op.type in _COUNTS)


def snas_resources(model: keras.Model) -> tuple[int, int, int]:
    """The resources of an operation as SNAS' constraint counts them, for one image.

    Xie, Zheng, Liu, Lin, ICLR 2019, section 2.4, as in the authors' code. Normalisation and
    activations are left out.

    Returns:
        The weights of convolutions; their multiply-adds and 9 for every number that a pooling
        gives; the numbers that convolutions and poolings read, weights among them, and write.
    """
    size = flops = accesses = 0
    for op in _inference(model):
        if op.type not in ("Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool"):
            continue
        pools = op.type not in _COUNTS
        weights = 0 if pools else int(np.prod(op.inputs[1].shape))
        outputs = int(np.prod(op.outputs[0].shape))
        size += weights
        flops += 9 * outputs if pools else _COUNTS[op.type](op)
        accesses += int(np.prod(_without_padding(op.inputs[0]).shape)) + weights + outputs
    return size, flops, accesses


def snas_cost(size: float, flops: float, accesses: float) -> float:
    """The sum that SNAS takes of the three, with the numbers of the authors' code."""
    return 0.43 * (2 * size + flops / 4000 + accesses / 100)


def _inference(model) -> list:
    """The operations of a model's graph for one image."""
    # Only a functional model has inputs; a supernet knows what it takes from its arguments.
    inputs = getattr(model, "inputs", None)
    taken = inputs[0] if inputs else model.signature
    one = tf.TensorSpec((1, *taken.shape[1:]), taken.dtype)
    call = tf.function(lambda x: model(x, training=False), autograph=False)
    return call.get_concrete_function(one).graph.get_operations()


def _without_padding(tensor):
    """The tensor before it was padded, cut, or rearranged for a stride or a dilation."""
    while True:
        inputs = tensor.op.inputs
        if tensor.op.type in ("Pad", "PadV2", "SpaceToBatchND", "Slice", "Reshape"):
            tensor = inputs[0]
        elif _repeats_its_border(tensor.op):
            tensor = inputs[1]
        else:
            return tensor


def _repeats_its_border(op) -> bool:
    """Whether it joins an image to slices of itself, as maximum pooling pads outside training."""
    if op.type != "ConcatV2" or len(op.inputs) != 4:  # The last one is the axis.
        return False
    image = op.inputs[1]
    ends = (op.inputs[0].op, op.inputs[2].op)
    return all(end.type == "StridedSlice" and end.inputs[0] is image for end in ends)


def model_of(make, shape) -> keras.Model:
    """A model of one layer.

    Args:
        make: returns the layer.
        shape: of its input, without the batch.
    """
    inputs = keras.Input(shape, dtype="float32")
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
