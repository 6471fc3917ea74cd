"""Computations of tests of further levels on several replicas, see `tests.replicas`."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from darts_tf import methods, spaces
from darts_tf.levels import Transferability
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet

BATCH, STEPS = 8, 3


def _batches(part):
    """Batches of images 6x6 and of two classes."""
    rng = np.random.default_rng(part)
    images = rng.normal(size=(STEPS * BATCH, 6, 6, 1)).astype("float32")
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH, drop_remainder=True)


def transferability(strategy) -> dict[str, np.ndarray]:
    """The result of three steps of a search by TETLO, with a second supernet."""
    space = spaces.Space(
        "level_replicas",
        ("skip_connect", "dil_conv_3x3"),
        nodes=1,
        inputs=1,
        cell_types=("normal",),
        preprocess=None,
        macro="nas_bench_201",
    )
    level = Transferability(auxiliary="supernet")
    method = dataclasses.replace(methods.get("tetlo"), gradient="unrolled", levels=(level,))
    keras.utils.set_random_seed(0)
    with strategy.scope():
        supernet = Supernet(spaces.register(space).name, (6, 6, 1), 2, channels=2, cells=3)
        found = ArchitectureSearch(supernet, method)
        found.fit(_batches(0), _batches(1), 1, verbose=0)
    groups = found.checkpointed()
    groups["weights"] = supernet.weight_variables
    groups["alphas"] = supernet.architecture_variables
    return {
        f"tetlo_{name}": np.concatenate(
            [np.ravel(keras.ops.convert_to_numpy(v)) for v in groups[name]]
        )
        for name in ("alphas", "weights", "auxiliary", "auxiliary_architecture")
    }
