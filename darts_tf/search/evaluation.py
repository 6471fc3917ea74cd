"""How good a supernet is on data, with moving statistics that are measured before."""

import itertools

import tensorflow as tf

from darts_tf.common.lengths import one_pass
from darts_tf.runtime import recalibration
from darts_tf.runtime.grappler import without_grappler
from darts_tf.supernets.supernet import Supernet
from darts_tf.tasks import MeanLoss, PassState, Task


class SupernetEvaluation:
    """Loss and metrics of a supernet in inference mode, traced once.

    Args:
        supernet: what is evaluated.
        task: what is measured.
    """

    def __init__(self, supernet: Supernet, task: Task):
        self._supernet = supernet
        self._task = task
        self._predict = tf.function(
            lambda inputs, *state: task.call(supernet, inputs, *state, training=False),
            reduce_retracing=True,
            autograph=False,
        )
        self._recalibrate = recalibration.Recalibration(supernet)

    @without_grappler()
    def evaluate(self, data) -> dict[str, float]:
        """Mean loss and the task's metrics on batches, through which a state is carried.

        Raises:
            UserError: the data have no end, or batches of a stream differ in size.
        """
        task, loss, state = self._task, MeanLoss(), PassState(self._task, self._supernet)
        metrics = [metric() for metric in task.metrics()]
        for batch in one_pass("data to evaluate on", data):
            inputs, targets, sample_weights = task.unpack(batch)
            outputs, after = self._predict(inputs, *state.before(batch))
            state.after(after)
            loss.update_state(*task.counted_loss(targets, outputs, sample_weights))
            for metric in metrics:
                metric.update_state(targets, outputs, sample_weights)
        return {metric.name: float(metric.result()) for metric in (loss, *metrics)}

    def measure_statistics(self, data):
        """Measures the moving statistics on the first batches; returns all batches, to go through.

        In one pass: a data set that shuffles would come in another order in all later ones.
        """
        batches = one_pass("validation data", data)
        first = list(itertools.islice(batches, recalibration.BATCHES))
        self._recalibrate(self._task.unpack(batch).inputs for batch in first)
        return itertools.chain(first, batches)
