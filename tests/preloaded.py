"""Imports of the server of `tests.forks`, and so of every process that it forks."""

# First, as in every program.
import train.quiet  # noqa: F401, I001

import keras  # noqa: F401
import tensorflow as tf

import darts_tf.plots  # noqa: F401

# These processes run their graphs a few times only; to optimise them takes longer.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
