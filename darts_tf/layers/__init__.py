"""Keras layers that cells and networks are made of."""

from darts_tf.common import keras_backend

keras_backend.check()
