"""Drop path: drops an edge for a random part of the batch."""

import keras


@keras.saving.register_keras_serializable("darts_tf")
class DropPath(keras.layers.Layer):
    """Sets whole examples to zero with probability `rate` and scales the others by 1/(1-rate).

    Larsson, Maire, Shakhnarovich, ICLR 2017, as used by DARTS: each example of the batch by its
    own draw. Only in training. The rate is a variable, because it grows while a network trains
    (`DropPathSchedule`).

    Args:
        rate: the initial rate, in [0, 1). Default 0.
        seed: of the draws.
    """

    def __init__(self, rate: float = 0.0, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1), got {rate}")
        self._initial_rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.rate = self.add_weight(
            name="rate",
            shape=(),
            initializer=keras.initializers.Constant(rate),
            trainable=False,
            dtype="float32",
            autocast=False,
        )

    def build(self, input_shape):
        self.built = True

    def call(self, inputs, training=None):
        if not training:
            return inputs
        keep = 1.0 - self.rate
        shape = (keras.ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        drawn = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return inputs * keras.ops.cast(keras.ops.where(drawn < keep, 1 / keep, 0.0), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self._initial_rate, "seed": self.seed}


class DropPathSchedule(keras.callbacks.Callback):
    """Raises the rate of all `DropPath` layers linearly: rate * epoch / epochs, as DARTS does.

    Args:
        rate: the rate that the last epoch comes close to.
        epochs: epochs of the whole training.
    """

    def __init__(self, rate: float, epochs: int):
        super().__init__()
        self.rate = rate
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model._flatten_layers():
            if isinstance(layer, DropPath):
                layer.rate.assign(self.rate * epoch / self.epochs)
