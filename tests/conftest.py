import pytest
import tensorflow as tf

# Most graphs here are run a few times only, and to optimise one takes longer than that. Programs
# that tests start optimise theirs.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session")
def small_space():
    """The name of a space with two nodes and one operation of each kind."""
    return _register("small", ("max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3"))


@pytest.fixture(scope="session")
def tiny_space():
    """The name of a space with one node: quick to trace."""
    return _register("tiny", ("skip_connect", "sep_conv_3x3"), nodes=1)


def _register(name, operations, nodes=2):
    from darts_tf import spaces

    return spaces.register(spaces.Space(name, ("none", *operations), nodes=nodes)).name
