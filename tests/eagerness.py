"""Running functions without tracing them, which takes longer than a few steps."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def run_eagerly():
    """A scope in which functions run eagerly; afterwards it is as before, whatever happens."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
