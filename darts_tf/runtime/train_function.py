"""The step of a search under a `tf.distribute` strategy."""

import types
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from darts_tf import tasks
from darts_tf.runtime.carried_state import CarriedState
from darts_tf.runtime.level_losses import LevelLosses


class TrainFunction:
    """Runs a step on every replica, in one `tf.function`, and moves the metrics.

    Args:
        step: a `SearchStep` or what behaves like one.
        strategy: of the search.
        streams: level name -> the stream that its batches come from, "train" or "validation"; the
            outermost level first.
        jit_compile: whether XLA compiles the step.
        task: its metrics are measured on the training batches; see `darts_tf.tasks`. Default: the
            classification of images.
        states: of the streams, by their names; empty where the task carries none.
        batch_sizes: of the streams, by their names; None where the batches of one differ. Default:
            those of a stream have equally many examples.
    """

    def __init__(
        self,
        step: Callable,
        strategy: tf.distribute.Strategy,
        streams: Mapping[str, str],
        jit_compile: bool = False,
        task=None,
        states: Mapping[str, CarriedState] = types.MappingProxyType({}),
        batch_sizes: Mapping[str, int | None] = types.MappingProxyType({}),
    ):
        self._states = dict(states)
        self._task = tasks.get(task)
        self._step = step
        self._strategy = strategy
        self._jit_compile = jit_compile
        self._streams = dict(streams)
        self._outer, self._first, *_ = streams
        with strategy.scope():
            self._measured = [metric() for metric in self._task.metrics()]
            sizes = {level: batch_sizes.get(stream, 0) for level, stream in streams.items()}
            self._losses = LevelLosses(self._task, streams, sizes)
        self._run = tf.function(self._run_replicas, reduce_retracing=True, autograph=False)

    def __call__(self, train_batch, validation_batch, frozen: bool):
        """Runs the step on a distributed batch.

        Args:
            train_batch, validation_batch: of the task, such as pairs of images and labels.
            frozen: whether to leave the architecture step out.

        Returns:
            (finite, complete, entropies): not finite if a number that entered an optimizer was not;
            0 if the hypergradient had to leave a term out; of each cell type, after the step.
        """
        return self._run(train_batch, validation_batch, frozen)

    @property
    def traced(self) -> tf.types.experimental.ConcreteFunction:
        """The first trace of the step, on all replicas of this process."""
        return self._run._list_all_concrete_functions()[0]

    def results(self, train_batch, validation_batch, frozen: bool) -> dict[str, tf.Tensor]:
        """The same step inside of a graph that somebody else traces, on one replica.

        Args:
            train_batch, validation_batch, frozen: as for a call.

        Returns:
            `gradient_norms`, which is not finite if a number that entered an optimizer was not;
            `complete`; `entropies`; and what `logs` would say after the step.
        """
        norms, complete, entropies = self._run_replicas(train_batch, validation_batch, frozen)
        signs = {"gradient_norms": norms, "complete": complete, "entropies": entropies}
        return signs | {m.name: tf.convert_to_tensor(m.result()) for m in self._logged(frozen)}

    def _run_replicas(self, train_batch, validation_batch, frozen):
        def run(train_batch, validation_batch):
            of_stream = {"train": train_batch, "validation": validation_batch}
            for stream, state in self._states.items():
                of_stream[stream] = self._task.with_state(of_stream[stream], state.read())
            batches = {level: of_stream[stream] for level, stream in self._streams.items()}
            result = self._step(batches, frozen=frozen)
            self._carry(result["carried"] if self._states else {})
            losses = {x: y for x, y in result["losses"].items() if x != self._outer or not frozen}
            self._losses.update(losses, batches, result["outputs"])
            _, targets, sample_weights = self._task.unpack_with_state(batches[self._first])[0]
            for metric in self._measured:
                metric.update_state(targets, result["outputs"], sample_weights)
            # One tensor, so that workers exchange it at once.
            return tf.concat([[result["finite"], result["complete"]], result["entropies"]], 0)

        if self._jit_compile:
            run = tf.function(run, jit_compile=True, autograph=False)
        signs = self._strategy.run(run, args=(train_batch, validation_batch))
        mean = self._strategy.reduce(tf.distribute.ReduceOp.MEAN, signs, axis=None)
        return mean[0], mean[1], mean[2:]

    def _carry(self, carried: Mapping) -> None:
        """Each stream goes on from its first level: that of the training data from the weights."""
        of_stream = {self._streams[level]: state for level, state in reversed(carried.items())}
        for stream, state in of_stream.items():
            self._states[stream].assign(state)

    @property
    def _metrics(self):
        outer, first, *others = self._losses.means.values()
        return first, *self._measured, outer, *others

    @property
    def variables(self) -> list[keras.Variable]:
        """The state of the metrics."""
        return [v for metric in self._metrics for v in metric.variables]

    def reset_metrics(self) -> None:
        """Starts the means of a new epoch."""
        for metric in self._metrics:
            metric.reset_state()

    def begin_pass(self, stream: str) -> None:
        """The next batch of a stream is the first of a pass over it, before which its state is new.

        Args:
            stream: "train" or "validation".
        """
        if stream in self._states:
            self._states[stream].reset()

    def logs(self, frozen: bool) -> dict[str, float]:
        """The means over the epoch so far; without that of the outermost level if it is frozen.

        They are over all that is counted, such as the steps of sequences; see `LevelLosses`.
        """
        return {m.name: float(m.result()) for m in self._logged(frozen)}

    def _logged(self, frozen: bool) -> list[keras.metrics.Metric]:
        left_out = self._losses.means[self._outer] if frozen else None
        return [m for m in self._metrics if m is not left_out]


def compiles(jit_compile: bool | str, strategy: tf.distribute.Strategy) -> bool:
    """Whether XLA compiles a step: with "auto" on GPUs only.

    On a CPU, XLA's depthwise convolutions are many times slower than TensorFlow's, and a TPU
    compiles whatever it is given. The memory layout of images (channels first or last) is chosen
    there by XLA, and without it by TensorFlow's layout optimizer, for each convolution; the layers
    are written for channels last, which a CPU wants. (Not measured on a GPU.)
    """
    if jit_compile != "auto":
        return jit_compile
    gpus = {device.name for device in tf.config.list_logical_devices("GPU")}
    if isinstance(strategy, tf.distribute.MirroredStrategy | tf.distribute.OneDeviceStrategy):
        return gpus.issuperset(strategy.extended.worker_devices)
    # TensorFlow's default strategy takes a GPU if there is one.
    return bool(gpus) and strategy.num_replicas_in_sync == 1
