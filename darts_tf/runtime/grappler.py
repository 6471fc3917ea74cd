"""Whether TensorFlow's graph optimizer, Grappler, works on what a search traces."""

import contextlib

import tensorflow as tf

_OFF = "disable_meta_optimizer"


@contextlib.contextmanager
def without_grappler():
    """A scope, or a decorator, in which graphs run as they were traced where there is no GPU.

    On a CPU Grappler takes a quarter of the time before the first step of a search and makes a step
    a few percent faster. On a GPU it also chooses the memory layout of images, and is left alone.
    """
    if tf.config.list_physical_devices("GPU"):
        yield
        return
    before = tf.config.optimizer.get_experimental_options().get(_OFF, False)
    tf.config.optimizer.set_experimental_options({_OFF: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({_OFF: before})
