import numpy as np
import pytest
import tensorflow as tf

from darts_tf import spaces


@pytest.fixture(scope="session")
def space():
    """The space of DARTS: 4 nodes, 14 edges, 8 operations."""
    return spaces.get("darts_cnn")


@pytest.fixture
def alpha():
    """Logits of that space that are far from equal."""
    return tf.constant(np.random.default_rng(0).normal(size=(14, 8)), tf.float32)


@pytest.fixture(scope="session")
def seeds():
    """A function from n to n seeds, `[n, 2]`."""
    return lambda n: tf.stack([tf.zeros(n, tf.int32), tf.range(n)], axis=1)


@pytest.fixture(scope="session")
def many_edges():
    """A function to a space with that many equal edges, so that one draw is many."""
    names = ("none", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")
    return lambda edges: spaces.Space("many", names, 1, inputs=edges, cell_types=("normal",))
