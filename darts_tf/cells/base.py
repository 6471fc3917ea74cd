"""The common base of the cells of image networks, relaxed and discrete ones."""

import keras

from darts_tf import operations
from darts_tf.layers.keras_settings import inner_layers


class BaseCell(keras.layers.Layer):
    """The base of image cells: preprocessed inputs, strides, nodes that sum, an output.

    Args:
        channels: channels of every state; the output has `channels * len(concat)`.
        reduction: whether the edges that leave the cell's inputs have strides of 2.
        reduction_before: whether the cell before was a reduction cell, so that the first of two
            inputs is twice as large as the second.
        inputs: number of inputs.
        preprocess: see `darts_tf.spaces.Space`.
    """

    affine: bool

    def __init__(
        self, channels, reduction=False, reduction_before=False, inputs=2, preprocess=(), **kwargs
    ):
        super().__init__(**kwargs)
        self.channels = channels
        self.reduction = reduction
        self.reduction_before = reduction_before
        with inner_layers(self.dtype_policy):
            self.preprocess = [
                self._preprocess(preprocess, halves=reduction_before and i < inputs - 1)
                for i in range(inputs)
            ]

    def _preprocess(self, names, halves) -> keras.layers.Layer:
        if not names:
            return operations.Identity(self.channels)
        return operations.create(
            names[1 if halves else 0], self.channels, strides=2 if halves else 1, affine=self.affine
        )

    def _strides(self, source: int) -> int:
        return 2 if self.reduction and source < len(self.preprocess) else 1

    def _build_preprocess(self, input_shape):
        """Builds the preprocessing; returns the shape of the cell's inputs and of its nodes."""
        for layer, shape in zip(self.preprocess, input_shape, strict=True):
            layer.build(shape)
        return self._shapes(input_shape)

    def _shapes(self, input_shape):
        """The shape of the cell's inputs behind the preprocessing, and of its nodes."""
        before = self.preprocess[-1].compute_output_shape(input_shape[-1])
        batch, *size, channels = before
        steps = self._strides(0)
        return before, (batch, *(-(-n // steps) for n in size), channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "reduction": self.reduction,
            "reduction_before": self.reduction_before,
        }
