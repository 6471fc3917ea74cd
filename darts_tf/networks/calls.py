"""Keras callbacks around a training loop of one's own."""

import contextlib
from collections.abc import Iterable, Iterator

import keras


@contextlib.contextmanager
def calls_of(
    callbacks: Iterable[keras.callbacks.Callback],
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    epochs: int,
    steps: int,
) -> Iterator[keras.callbacks.CallbackList]:
    """The callbacks of a training, which has begun; it ends with the scope.

    Meanwhile the optimizer is the model's, where callbacks of Keras look for its learning rate.

    Args:
        callbacks: of the user.
        model: what is trained; `stop_training` is False now.
        optimizer: what trains it.
        epochs, steps: of the training, and of an epoch.
    """
    own = getattr(model, "optimizer", None)
    model.optimizer, model.stop_training = optimizer, False
    calls = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=epochs, steps=steps)
    try:
        calls.on_train_begin()
        yield calls
        calls.on_train_end()
    finally:
        # A file of the model would hold it.
        if own is None:
            del model.optimizer
        else:
            model.optimizer = own
