"""Replicas that compute without a trace, which takes five times as long as a few computations."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def no_loops(strategy):
    """A scope in which several replicas may not call `tf.while_loop`.

    They communicate in it without a trace, and in a graph cannot.
    """
    loop = tf.while_loop
    if strategy.num_replicas_in_sync > 1:
        tf.while_loop = _refuse
    try:
        yield
    finally:
        tf.while_loop = loop


def _refuse(*arguments, **options):
    raise AssertionError("replicas communicate in a loop of a graph")
