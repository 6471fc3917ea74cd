"""Computations of tests with supernets that grow on several replicas, see `tests.replicas`."""

import dataclasses
import pathlib
import tempfile

import keras
import numpy as np
import tensorflow as tf

from darts_tf import Supernet, methods
from darts_tf.runtime import distribution
from darts_tf.schedules.transitions import Grow
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.spaces import Space
from darts_tf.spaces.two_input_rnn import chain
from darts_tf.supernets.growth.changes import AddNode, Duplicate, Split
from darts_tf.supernets.growth.grow import grown
from tests.search.searches import Program

BATCH, WORDS = 4, 7
OFFSETS = 1e-4


def growth(strategy) -> dict[str, np.ndarray]:
    """The outputs of supernets before and behind changes that leave them, and behind a file."""
    random, found = np.random.default_rng(0), {}
    tokens = random.integers(0, WORDS, (BATCH, 5))
    images = random.normal(size=(BATCH, 6, 6, 1)).astype("float32")
    space = Space("grows", ("none", "skip_connect", "nor_conv_1x1"), nodes=1)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        words = Supernet(chain(2, ("tanh", "identity", "gated")), (None,), WORDS, channels=3)
        pictures = Supernet(space, (6, 6, 1), 2, channels=2, cells=3, batched=False)
    for variable in (*words.weight_variables, *words.architecture_variables):
        variable.assign(variable + 0.3 * random.normal(size=variable.shape))
    shapes = [v.shape for v in words.cells[0].recurrent.cell.parameters[1][0]]
    offsets = [[OFFSETS * random.normal(size=shape) for shape in shapes]]
    changes = {
        "node": (words, tokens, AddNode(noise=0)),
        "copy": (words, tokens, Duplicate("recurrent", 0, "gated", noise=0)),
        "split": (words, tokens, Duplicate("recurrent", 1, "tanh", offsets, noise=0)),
        "channels": (pictures, images, AddNode(noise=0)),
    }
    before = {
        id(supernet): _outputs(strategy, supernet, inputs)
        for supernet, inputs in ((words, tokens), (pictures, images))
    }
    for name, (supernet, inputs, change) in changes.items():
        with strategy.scope():
            after = grown(supernet, change)
        found[f"growth_{name}_before"] = before[id(supernet)]
        found[f"growth_{name}_after"] = _outputs(strategy, after, inputs)
        if name in ("split", "channels"):
            with tempfile.TemporaryDirectory() as folder, strategy.scope():
                path = pathlib.Path(folder) / "grown.keras"
                after.save(path)
                again = keras.models.load_model(path)
            found[f"growth_{name}_saved"] = _outputs(strategy, again, inputs)
    return found


def growing_search(strategy) -> dict[str, np.ndarray]:
    """The result of a search that grows by a split and a node after its first epoch."""
    rule = Program({0: (Grow((Split(length=0.1), AddNode())),)})
    method = dataclasses.replace(methods.get("growing", "two_input_rnn"), rule=rule)
    tokens = np.random.default_rng(0).integers(0, WORDS, (2 * BATCH, 4))
    data = tf.data.Dataset.from_tensor_slices((tokens[:, :-1], tokens[:, 1:]))
    data = data.batch(BATCH, drop_remainder=True)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        supernet = method.make_supernet(
            chain(1, ("tanh", "identity")), (None,), WORDS, channels=3, cells=1
        )
        search = ArchitectureSearch(supernet, method, task="language_modeling")
    search.fit(data, data, 2, verbose=0)
    groups = {
        "alphas": search.supernet.architecture_variables,
        "weights": search.supernet.weight_variables,
    }
    return {
        f"growing_search_{name}": np.concatenate(
            [np.ravel(keras.ops.convert_to_numpy(v)) for v in variables]
        )
        for name, variables in groups.items()
    }


def _outputs(strategy, supernet, inputs) -> np.ndarray:
    """Of the whole batch, which the replicas share, in graph mode and training."""
    data = tf.data.Dataset.from_tensors((inputs,))
    data = data.unbatch().batch(BATCH, drop_remainder=True)
    (batch,) = distribution.share_batches(strategy, data)

    def run(examples):
        found = supernet(examples, training=True)
        return found[0] if supernet.carries_state else found

    found = tf.function(lambda batch: strategy.run(run, batch), autograph=False)(batch)
    return np.concatenate([x.numpy() for x in strategy.experimental_local_results(found)])
