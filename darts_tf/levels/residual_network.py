"""A small residual network, for what shall learn quickly from another one."""

import keras

from darts_tf.common.errors import UserError
from darts_tf.layers.convolutions import batch_normalization, convolution
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.layers.stems import GlobalMean

_STAGES = 3


def residual_network(
    input_shape: tuple[int, int, int], channels: int = 16, blocks: int = 1, policy="float32"
) -> keras.Model:
    """The features of a residual network for small images (He et al., CVPR 2016, section 4.2).

    A 3x3 convolution, then three stages of blocks of two, of `channels`, twice and four times as
    many channels; the second and the third halve the image. With one block a stage it is their
    network of 8 layers but for the last one. Shortcuts are 1x1 convolutions where the shape
    changes. Batch normalisation is the one of this package, which may be differentiated twice.

    Args:
        input_shape: `(height, width, channels)`.
        channels: of the first stage.
        blocks: in each stage.
        policy: Keras' dtype policy.

    Returns:
        A model from images to features `[batch, 4 * channels]`, means over all pixels.

    Raises:
        UserError: the inputs are no images.
    """
    if len(input_shape) != 3:
        raise UserError(
            f"a residual network takes images (height, width, channels), got inputs of the shape "
            f"{tuple(input_shape)}; give an auxiliary model that takes them"
        )
    policy = keras.dtype_policies.get(policy)
    with inner_layers(policy):
        images = keras.Input(input_shape, dtype=policy.variable_dtype, name="images")
        features = _normalized(images, channels, relu=True)
        for stage in range(_STAGES):
            for block in range(blocks):
                strides = 2 if stage and not block else 1
                features = _block(features, channels * 2**stage, strides)
        return keras.Model(images, GlobalMean()(features), name="residual_network")


def _block(inputs, channels, strides):
    outputs = _normalized(inputs, channels, strides, relu=True)
    outputs = _normalized(outputs, channels)
    if strides > 1 or inputs.shape[-1] != channels:
        inputs = _normalized(inputs, channels, strides, kernel_size=1)
    return keras.layers.ReLU()(outputs + inputs)


def _normalized(outputs, channels, strides=1, kernel_size=3, relu=False):
    for layer in convolution(channels, kernel_size, strides):
        outputs = layer(outputs)
    outputs = batch_normalization(affine=True)(outputs)
    return keras.layers.ReLU()(outputs) if relu else outputs
