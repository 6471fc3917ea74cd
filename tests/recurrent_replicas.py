"""Computations of tests with a recurrent cell on several replicas, see `tests.replicas`."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from darts_tf import datasets, gradients, spaces
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.mixed_cell import RecurrentMixedCell
from darts_tf.gradients import BilevelProblem, InnerStep
from darts_tf.runtime import distribution
from darts_tf.search.architecture_search import ArchitectureSearch
from tests import eager_replicas, texts

BATCH = 8


def recurrent(strategy) -> dict[str, np.ndarray]:
    """Hypergradients through a relaxed recurrent cell.

    The states are normalised by the global batch at every step of the sequences; float64, without a
    trace.
    """
    keras.utils.set_random_seed(0)
    space = dataclasses.replace(spaces.DARTS_RNN, name="recurrent_replicas", nodes=2, edges=None)
    with strategy.scope():
        cell = RecurrentMixedCell(space, 3, dtype="float64")
        layer = RecurrentLayer(cell, return_sequences=True, dtype="float64")
        layer.build((None, None, 2))
    rng = np.random.default_rng(0)
    weights = [tf.constant(rng.normal(size=v.shape)) for v in layer.trainable_variables]
    alphas = [tf.constant(rng.normal(size=(3, 5)))]
    examples = tf.data.Dataset.from_tensor_slices((rng.normal(size=(BATCH, 2, 2)),))
    examples = examples.batch(BATCH, drop_remainder=True)
    (batch,) = distribution.share_batches(strategy, examples)

    def loss(weights, alphas, batch):
        pairs = zip(layer.trainable_variables, weights, strict=True)
        with keras.StatelessScope(state_mapping=list(pairs)):
            outputs = layer(batch, training=True, mixture=tf.nn.softmax(alphas[0]))
        return tf.reduce_sum(tf.sin(outputs)) / BATCH

    def reduce(tensors):
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tensors)

    def run(batch):
        problem = BilevelProblem(loss, loss, reduce, step=InnerStep(0.3))
        point = {"architecture": alphas, "weights": weights}
        batches = {"architecture": batch, "weights": batch}
        estimators = {name: gradients.get(name) for name in ("unrolled", "first_order")}
        return {
            f"recurrent_{name}": estimate(problem, point, batches).architecture[0]
            for name, estimate in estimators.items()
        }

    with eager_replicas.no_loops(strategy):
        found = strategy.run(run, batch)
    return {name: strategy.experimental_local_results(x)[0].numpy() for name, x in found.items()}


def recurrent_search(strategy) -> dict[str, np.ndarray]:
    """The result of a search by the unrolled gradient after 4 steps on a text, with dropout."""
    method = texts.method("darts-v2-exact")
    with strategy.scope():
        supernet = texts.supernet(method)
        search = ArchitectureSearch(supernet, method, task="language_modeling")
    # Replicas unroll the steps, of which there must be a known number.
    windows = [
        np.stack(part)
        for part in zip(
            *datasets.text_windows(texts.tokens(64), texts.BATCH, texts.STEPS).take(3), strict=True
        )
    ]
    data = tf.data.Dataset.from_tensor_slices(tuple(windows)).repeat(2).take(4)
    search.fit(data, data, verbose=0)
    groups = {
        "alphas": supernet.architecture_variables,
        "weights": supernet.trainable_variables,
        "states": search.checkpointed()["states"],
    }
    return {
        f"recurrent_search_{name}": np.concatenate(
            [np.ravel(keras.ops.convert_to_numpy(v)) for v in variables]
        )
        for name, variables in groups.items()
    }
