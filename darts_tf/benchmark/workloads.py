"""Workloads: steps of a search, of a training from scratch, and of the hypergradients."""

import dataclasses
import functools
import os
import time

import keras
import tensorflow as tf

from darts_tf import genotypes, gradients, methods
from darts_tf.benchmark.measurement import Measurement, Stopwatch, available_cpus, peak_memory
from darts_tf.benchmark.random_data import CLASSES, Size, random_batches
from darts_tf.costs import counted, memory
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS, gradients_of
from darts_tf.networks import training
from darts_tf.networks.network import build_network
from darts_tf.runtime.grappler import without_grappler
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.player import Player
from darts_tf.supernets.problem import SupernetProblem


def measure_search(
    size: Size,
    method: str = "darts-v1",
    *,
    space: str = "darts_cnn",
    batched: bool = True,
    recompute: bool = False,
    steps: int = 10,
    warmup: int = 2,
    turns: int = 1,
    estimate: bool = False,
) -> Measurement:
    """Steps of `ArchitectureSearch.fit`, input pipeline included, on random images.

    Args:
        size: of the supernet and the batches.
        method: the name of a method; of one that searches in stages it is the first stage.
        space: the name of a search space, or a `Space` with another macro network.
        batched: see `Supernet`.
        recompute: see `ArchitectureSearch`.
        steps: steps to measure.
        warmup: steps before them, after the first one.
        turns: see `Stopwatch`.
        estimate: whether to estimate the memory too, from what was known before the search.
    """
    search = make_search(size, method, space=space, batched=batched, recompute=recompute)
    supernet, chosen = search.supernet, search.method
    held = memory.resident_memory()
    stopwatch = Stopwatch(steps, warmup, turns)
    search.fit(
        random_batches(size, stopwatch.laps, seed=0)(0),
        random_batches(size, stopwatch.laps, seed=1)(0),
        callbacks=[Laps(stopwatch, search.stop)],
        verbose=0,
    )
    measured = measurement_of(stopwatch, supernet, stopwatch.data_wait_seconds)
    if not estimate:
        return measured
    # Only now, because it takes time and memory itself.
    expected = memory.estimate(supernet, chosen.make_gradient(), held, chosen.make_levels())
    expected = expected.peak(size.batch_size)
    return dataclasses.replace(measured, estimated_memory_bytes=expected)


def make_search(
    size: Size,
    method: str = "darts-v1",
    *,
    space: str = "darts_cnn",
    batched: bool = True,
    recompute: bool = False,
) -> ArchitectureSearch:
    """The search whose steps `measure_search` measures; see there."""
    chosen = methods.get(method)
    if chosen.stages:
        chosen = chosen.of_stage(chosen.stages[0])
    supernet = chosen.make_supernet(
        space, size.image_shape, CLASSES, size.channels, size.cells, batched=batched
    )
    return ArchitectureSearch(supernet, chosen, recompute=recompute)


def measure_training(
    size: Size,
    genotype: str,
    *,
    auxiliary: bool = True,
    stem: str = "cifar",
    steps: int = 10,
    warmup: int = 2,
    turns: int = 1,
) -> Measurement:
    """Steps of `train_network` with the default `Recipe`, input pipeline included.

    Args:
        size: of the network and the batches.
        genotype: the name of a published cell, or a `genotype.json`.
        auxiliary: whether the network has its auxiliary head.
        stem: see `build_network`.
        steps: steps to measure.
        warmup: steps before them, after the first one.
        turns: see `Stopwatch`.
    """
    network = make_network(size, genotype, auxiliary=auxiliary, stem=stem)
    stopwatch = Stopwatch(steps, warmup, turns)
    training.train_network(
        network,
        random_batches(size, stopwatch.laps, seed=0, cutout=True),
        training.Recipe(epochs=1),
        extra_callbacks=[Laps(stopwatch)],
    )
    # Keras fetches a batch inside its step, so the waiting cannot be told apart.
    return measurement_of(stopwatch, network, None)


def make_network(size: Size, genotype: str, *, auxiliary: bool, stem: str) -> keras.Model:
    """The network whose steps `measure_training` measures; see there."""
    return build_network(
        genotypes.get(genotype),
        size.image_shape,
        CLASSES,
        size.channels,
        size.cells,
        stem=stem,
        auxiliary=auxiliary,
        drop_path=True,
    )


@without_grappler()
def measure_gradients(
    size: Size,
    names: tuple[str, ...] | None = None,
    *,
    space: str = "darts_cnn",
    rounds: int = 5,
    warmup: int = 1,
) -> dict[str, list[float]]:
    """Seconds of one hypergradient alone by every estimator, and of one weight step.

    All run in this process, in turn, on the same batches.

    Args:
        size: of the supernet and the batches.
        names: estimators of `darts_tf.gradients`; by default all that need no sampled operations.
        space: the name of a search space.
        rounds: measurements of each.
        warmup: rounds before them.

    Returns:
        Name -> seconds of each round; the weight step is called `weight_step`.
    """
    supernet = methods.get("darts-v2").make_supernet(
        space, size.image_shape, CLASSES, size.channels, size.cells
    )
    functions = _gradient_functions(supernet, names or gradients.names(sampled=False))
    train, validation = (next(iter(random_batches(size, 1, seed=seed)(0))) for seed in (0, 1))
    seconds = {name: [] for name in functions}
    for _ in range(warmup + rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            # The step is over when its result can be read.
            function(train, validation).numpy()
            seconds[name].append(time.perf_counter() - start)
    return {name: values[warmup:] for name, values in seconds.items()}


def _gradient_functions(supernet, names) -> dict:
    """Name -> a traced function of two batches that returns one number."""
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=None, dtype="float32"
    )
    problem = SupernetProblem(supernet, loss)
    method = methods.get("darts-v2")
    optimizer = method.make_weight_optimizer(1000)
    optimizer.build(supernet.weight_variables)
    player = Player(WEIGHTS, supernet.weight_variables, optimizer, "train", method.clip_norm)

    def point():
        variables = {
            ARCHITECTURE: supernet.architecture_variables,
            WEIGHTS: supernet.weight_variables,
        }
        return {name: [tf.convert_to_tensor(v) for v in vs] for name, vs in variables.items()}

    def architecture_step(name, train, validation):
        levels = problem.levels().with_steps(weights=player.inner_step())
        batches = {ARCHITECTURE: validation, WEIGHTS: train}
        hypergradient = gradients.get(name)(levels, point(), batches)
        # Gradients that nothing reads would be left out of the graph.
        read = [*hypergradient.architecture, *(hypergradient.weights or ())]
        return hypergradient.loss + 0 * tf.linalg.global_norm(read)

    def weight_step(train, validation):
        del validation
        loss = problem.levels().inner[0].loss
        value, found, _ = gradients_of(loss, point(), train, wrt=[WEIGHTS])
        player.apply(player.clip(found[WEIGHTS])[0], replicas=1)
        return value

    # Partial functions, because TensorFlow would take functions of one code for one that is traced
    # again and again, and warn.
    steps = {
        "weight_step": functools.partial(weight_step),
        **{name: functools.partial(architecture_step, name) for name in names},
    }
    return {name: tf.function(run, autograph=False) for name, run in steps.items()}


class Laps(keras.callbacks.Callback):
    """Hands the ends of the steps to a stopwatch, and stops after the last one.

    Args:
        stopwatch: a `Stopwatch`.
        stop: is called after the last step.
    """

    def __init__(self, stopwatch, stop=lambda: None):
        super().__init__()
        self._stopwatch = stopwatch
        self._stop = stop

    def on_train_batch_begin(self, batch, logs=None):
        self._stopwatch.begin()

    def on_train_batch_end(self, batch, logs=None):
        self._stopwatch.lap()
        if self._stopwatch.finished:
            self._stop()


def measurement_of(stopwatch: Stopwatch, model: keras.Model, waits) -> Measurement:
    """The measurement of this process.

    Args:
        stopwatch: has seen all steps.
        model: whose weights are counted.
        waits: `data_wait_seconds`, or None.
    """
    configured = (
        tf.config.threading.get_intra_op_parallelism_threads()
        or os.environ.get("TF_NUM_INTRAOP_THREADS"),
        tf.config.threading.get_inter_op_parallelism_threads()
        or os.environ.get("TF_NUM_INTEROP_THREADS"),
    )
    threads = max(int(number or available_cpus()) for number in configured)
    return Measurement(
        stopwatch.step_seconds,
        stopwatch.startup_seconds,
        peak_memory(),
        counted.parameters(model),
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}",
        threads,
        waits,
        turns=stopwatch.turns,
        step_cpu_seconds=stopwatch.step_cpu_seconds,
    )
