import collections
import ctypes
import gc
import resource
import sys

import pytest

from tests.endings import pytest_configure  # noqa: F401

# What is imported stays: to look for garbage among it takes a second at first, and half a second
# whenever everything is looked through.
gc.disable()
# As in train.startup: tf.lite would import it.
sys.modules["jax"] = None
try:
    import keras
    import tensorflow as tf
finally:
    del sys.modules["jax"]
    gc.enable()
gc.freeze()

# Most graphs here are run a few times only, and to optimise one takes longer than that. Programs
# that tests start optimise theirs.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_modifyitems(items):
    """The files with most slow tests first, so that no process is left alone with one at the end.

    (Where pytest-xdist keeps that order: --no-loadscope-reorder.)
    """
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


# How much memory the process has kept when it was last freed.
_LEFT = [2**30]


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.fixture(scope="module", autouse=True)
def without_the_graphs_of_other_files():
    """Frees the graphs that a file has traced: a process that ran many files would hold 17 GB."""
    yield
    # What is left cannot be freed, and to look through it takes a second.
    if _resident() > _LEFT[0] + 2**30:
        gc.collect()
        # What Python has given back the C library would keep.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        _LEFT[0] = _resident()


@pytest.fixture(autouse=True)
def seeded():
    """Draws that a test does not seed are the same in each run, in whatever order tests run."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def eagerly():
    """Runs functions without tracing them, which takes longer than a few steps."""
    from tests.eagerness import run_eagerly

    with run_eagerly():
        yield


@pytest.fixture(scope="module")
def eager_file():
    """The same for all tests of a file, and for its fixtures that ask for this one."""
    from tests.eagerness import run_eagerly

    with run_eagerly():
        yield


@pytest.fixture(scope="session")
def small_space():
    """The name of a space with two nodes and one operation of each kind."""
    return _register("small", ("max_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3"))


@pytest.fixture(scope="session")
def tiny_space():
    """The name of a space with one node: quick to trace."""
    return _register("tiny", ("skip_connect", "sep_conv_3x3"), nodes=1)


@pytest.fixture(scope="session")
def one_edge_space():
    """The name of a space with one edge and one type of cell: quick without tracing too."""
    return _register(
        "one_edge",
        ("skip_connect", "nor_conv_1x1"),
        nodes=1,
        inputs=1,
        cell_types=("normal",),
        preprocess=None,
        macro="nas_bench_201",
    )


@pytest.fixture(scope="session")
def one_stage_space():
    """The same in a network of one stage: the reductions between three take most of the time."""
    from tests import one_stage

    return one_stage.SPACE


def _register(name, operations, nodes=2, **options):
    from darts_tf import spaces

    return spaces.register(spaces.Space(name, ("none", *operations), nodes=nodes, **options)).name
