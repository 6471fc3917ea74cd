"""Computations on several replicas, of which every number needs a process of its own."""

import functools
import os
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from darts_tf import datasets, gradients, operations, spaces
from darts_tf.benchmark import communication
from darts_tf.cells.mixed_op import dropout
from darts_tf.common.errors import UserError
from darts_tf.gradients import InnerStep
from darts_tf.layers.batch_normalization import BatchNormalization
from darts_tf.runtime import distribution
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.supernets.supernet import Supernet
from darts_tf.verification.supernets import TypedSupernet
from tests import eager_replicas, streams
from tests.growth_replicas import growing_search, growth
from tests.level_replicas import transferability
from tests.recurrent_replicas import recurrent, recurrent_search
from tests.two_operations import TwoOperations

BATCH, STEPS, EPOCHS = 8, 10, 2


def batches(part, epoch, steps=STEPS, dtype="float32"):
    """Batches of images 6x6 and of two classes."""
    rng = np.random.default_rng([part, epoch])
    images = rng.normal(size=(steps * BATCH, 6, 6, 1)).astype(dtype)
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH, drop_remainder=True)


def hypergradients(strategy) -> dict[str, np.ndarray]:
    """Every estimator's hypergradient of one global batch, in float64 and without a trace."""
    keras.config.set_dtype_policy("float64")
    keras.utils.set_random_seed(0)
    with strategy.scope():
        supernet = TwoOperations()
    problem = SupernetProblem(supernet, _cross_entropy, strategy.num_replicas_in_sync)

    def run(train, validation):
        weights = [tf.convert_to_tensor(v) for v in supernet.weight_variables]
        alphas = [tf.convert_to_tensor(v) for v in supernet.architecture_variables]
        point = {"architecture": alphas, "weights": weights}
        batches = {"architecture": validation, "weights": train}
        step = InnerStep(0.1, 0.9, [0.1 * w for w in weights], weight_decay=3e-4)
        found = {}
        for name in gradients.names(sampled=False):
            fewer = {"neumann": {"terms": 2}, "conjugate_gradient": {"iterations": 2}}
            estimate = gradients.get(name, **fewer.get(name, {}))
            found[name] = estimate(
                problem.levels().with_steps(weights=step), point, batches
            ).architecture
        return found

    data = tf.data.Dataset.zip(tuple(batches(part, 0, 1, "float64") for part in (0, 1)))
    batch = next(iter(distribution.share_batches(strategy, data)))
    with eager_replicas.no_loops(strategy):
        found = strategy.run(run, args=batch)
    first = tf.nest.map_structure(lambda x: strategy.experimental_local_results(x)[0], found)
    keras.config.set_dtype_policy("float32")
    return {name: np.concatenate([x.numpy().ravel() for x in g]) for name, g in first.items()}


def make_supernet(kind=Supernet):
    """A supernet with one edge a cell and no reduction cells: quick to trace."""
    name = "replicas"
    spaces.register(
        spaces.Space(
            name,
            ("none", "skip_connect", "dil_conv_3x3"),
            nodes=1,
            inputs=1,
            cell_types=("normal",),
            preprocess=None,
            macro="nas_bench_201",
        )
    )
    keras.utils.set_random_seed(0)
    return kind(name, (6, 6, 1), 2, channels=2, cells=3)


def exact_search(strategy, **options) -> dict[str, np.ndarray]:
    """`search` with everything in float64, in which the order of sums hardly matters."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    found = search(strategy, kind=TypedSupernet, **options)
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    return {f"exact_{name}": values for name, values in found.items()}


def search(strategy, checkpoint_dir=None, callbacks=(), kind=Supernet) -> dict[str, np.ndarray]:
    """The alphas, weights and moving variances after all steps, and what a step exchanges."""
    with strategy.scope():
        supernet = make_supernet(kind)
        found = ArchitectureSearch(supernet)
        found.fit(
            functools.partial(batches, 0),
            functools.partial(batches, 1),
            EPOCHS,
            checkpoint_dir=checkpoint_dir,
            callbacks=list(callbacks),
            verbose=0,
        )
    groups = {
        "alphas": supernet.architecture_variables,
        "weights": supernet.weight_variables,
        "moving_variances": [
            v for v in supernet.non_trainable_variables if "moving_variance" in v.path
        ],
    }
    exchanged = communication.traffic(found.trainer.train_function.traced)
    return {"exchanged": exchanged.elements, "bytes": exchanged.bytes} | {
        name: np.concatenate([np.ravel(keras.ops.convert_to_numpy(v)) for v in variables])
        for name, variables in groups.items()
    }


def examples_seen(strategy) -> dict[str, np.ndarray]:
    """The numbers of the examples that the replicas of this process see, a row a batch."""
    numbers = tf.data.Dataset.range(STEPS * BATCH).batch(BATCH, drop_remainder=True)
    rows = [
        tf.concat(strategy.experimental_local_results(batch), 0)
        for batch in distribution.share_batches(strategy, numbers.map(lambda x: (x,)))
        for batch in batch
    ]
    return {"examples": np.stack(rows)}


def columns_seen(strategy) -> dict[str, np.ndarray]:
    """The parts that each replica reads of a text in columns, `[replica, column, time]`."""
    batches = datasets.text_batches(np.arange(83), 4, steps=5)
    windows = [
        strategy.experimental_local_results(inputs)
        for inputs, _ in distribution.share_batches(strategy, batches)
    ]
    return {"columns": np.stack([np.concatenate(x, axis=1) for x in zip(*windows, strict=True)])}


def random_numbers(strategy) -> dict[str, np.ndarray]:
    """Dropout behind a skip connection of ones, and the operation noise, of one global batch."""
    with strategy.scope():
        noise = operations.Noise(1, seed=3)
        noise.build((None, 3, 3, 1))

    def run(images):
        return {"dropout": dropout(images, 0.5, [1, 2]), "noise": noise(images)}

    ones = tf.data.Dataset.from_tensors((tf.ones((BATCH, 3, 3, 1)),))
    (batch,) = distribution.share_batches(strategy, ones)
    found = tf.function(lambda batch: strategy.run(run, batch), autograph=False)(batch)
    return {
        name: np.concatenate(strategy.experimental_local_results(values))
        for name, values in found.items()
    }


def moving_statistics(strategy) -> dict[str, np.ndarray]:
    """Of batch normalisation after one global batch in training mode."""
    with strategy.scope():
        layer = BatchNormalization(scale=False, center=False)
        layer.build((None, 6, 6, 1))
    images = batches(0, 0, 1).map(lambda images, labels: (images,))
    (batch,) = distribution.share_batches(strategy, images)

    def run(images):
        layer(images, training=True)

    tf.function(lambda batch: strategy.run(run, batch), autograph=False)(batch)
    statistics = {"mean": layer.moving_mean, "variance": layer.moving_variance}
    return {name: keras.ops.convert_to_numpy(v) for name, v in statistics.items()}


def masked_stream(strategy) -> dict[str, np.ndarray]:
    """The result of a second-order search where a state is carried and some elements are masked."""
    make_supernet()  # Registers the space.
    with strategy.scope():
        supernet = streams.make("replicas", cells=3)
        found = ArchitectureSearch(supernet, "darts-v2", task=streams.Stream())
        data = (functools.partial(streams.masked, part) for part in (0, 1))
        history = found.fit(*data, 2, verbose=0).history
    groups = {
        "alphas": supernet.architecture_variables,
        "weights": supernet.weight_variables,
        "states": found.checkpointed()["states"],
    }
    values = {
        f"stream_{name}": np.concatenate([np.ravel(keras.ops.convert_to_numpy(v)) for v in group])
        for name, group in groups.items()
    }
    names = ("loss", "architecture_loss", "error", "val_loss", "val_error")
    return values | {"stream_history": np.array([history[name] for name in names])}


_FUNCTIONS = {
    f.__name__: f
    for f in (
        *(hypergradients, search, exact_search, examples_seen, random_numbers),
        *(moving_statistics, masked_stream, columns_seen, recurrent, recurrent_search),
        *(growth, growing_search, transferability),
    )
}


def run(
    output: pathlib.Path,
    *names: str,
    devices: int = 1,
    checkpoint_dir: pathlib.Path | None = None,
    seconds_a_step: float = 0.0,
) -> None:
    """Computes what is named with this process' strategy; ends with exit code 2 if it is refused.

    Args:
        output: an .npz file that is written.
        names: functions of this module.
        devices: number of logical CPUs, where this is no worker of a cluster (`TF_CONFIG`).
        checkpoint_dir: of the search.
        seconds_a_step: how long the search waits after each step.
    """
    strategy = _strategy(devices)
    callbacks = [_Slow(seconds_a_step)] if seconds_a_step else []
    found = {}
    try:
        for name in names:
            options = {}
            if name in ("search", "exact_search"):
                options = {"checkpoint_dir": checkpoint_dir, "callbacks": callbacks}
            found |= _FUNCTIONS[name](strategy, **options)
    except UserError as error:
        print(f"error: {error}", flush=True)
        os._exit(2)  # The runtime of a broken cluster can't be shut down.
    with output.open("wb") as file:
        np.savez(file, **found)


def _strategy(devices):
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if devices == 1:
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


class _Slow(keras.callbacks.Callback):
    """Says after each step that it is done, and waits."""

    def __init__(self, seconds):
        super().__init__()
        self._seconds = seconds

    def on_train_batch_end(self, batch, logs=None):
        print(f"step {batch}", flush=True)
        time.sleep(self._seconds)


def _cross_entropy(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
