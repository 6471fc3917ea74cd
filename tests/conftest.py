import pytest


@pytest.fixture(scope="session")
def small_space():
    """The name of a space with two nodes and one operation of each kind: quick to trace."""
    from darts_tf import spaces

    operations = ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3")
    spaces._SPACES["small"] = spaces.Space("small", operations, nodes=2)
    yield "small"
    del spaces._SPACES["small"]
