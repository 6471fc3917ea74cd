"""SGD whose iterates are averaged once it no longer makes progress."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from darts_tf.runtime.optimizers import SGD

#: In the paper and in its followers.
PATIENCE = 5


def has_stopped_improving(losses: Sequence[float], patience: int = PATIENCE) -> bool:
    """The non-monotone trigger: whether the last loss is above the best of long enough before.

    Merity, Keskar, Socher, Regularizing and Optimizing LSTM Language Models, ICLR 2018, algorithm
    1: a validation loss is compared with the smallest of all before it but the last `patience`, so
    that chance in a few epochs decides nothing.

    Args:
        losses: of all evaluations, the last one the latest.
        patience: how many of the evaluations before the last are left out.

    Returns:
        False as long as there are not more than `patience` evaluations before the last.
    """
    *before, last = losses
    return len(before) > patience and last > min(before[: len(before) - patience])


@keras.saving.register_keras_serializable("darts_tf")
class AveragedSGD(SGD):
    """SGD with `l2` that can average its iterates (Polyak, Juditsky, 1992).

    `start` begins: from then on, after the step number n since, the average of a variable is that
    of its values after steps 1 to n. The steps themselves stay those of SGD. `averaged` puts the
    averages in the variables' place, to evaluate. The state is in `variables`, so a checkpoint of
    them goes on exactly.

    Args:
        learning_rate: as for `keras.optimizers.SGD`.
        l2: factor of the weight that is added to its gradient, after clipping.
        **kwargs: as for `keras.optimizers.SGD`, such as `global_clipnorm`.
    """

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._since = self.add_variable(
            shape=(), initializer=keras.initializers.Constant(-1), dtype="int64", name="since"
        )
        self.averages = [self.add_variable_from_reference(v, name="average") for v in variables]

    @property
    def averages_iterates(self) -> bool:
        """Whether `start` was called."""
        return self.built and int(self._since.numpy()) >= 0

    def start(self) -> None:
        """Begins to average with the next step; a second call changes nothing."""
        if not self.averages_iterates:
            self._since.assign(self.iterations)

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate)
        average = self.averages[self._get_variable_index(variable)]
        steps = tf.cast(self.iterations.value - self._since.value + 1, average.dtype)
        share = tf.where(self._since.value >= 0, 1 / steps, tf.zeros_like(steps))
        average.assign_add(share * (keras.ops.convert_to_tensor(variable) - average))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """The variables have their averages as values, once there are some, until it ends."""
        if not self.averages_iterates or int(self._since.numpy()) == int(self.iterations.numpy()):
            yield
            return
        values = [keras.ops.copy(variable) for variable in self._trainable_variables]
        try:
            for variable, average in zip(self._trainable_variables, self.averages, strict=True):
                variable.assign(average)
            yield
        finally:
            for variable, value in zip(self._trainable_variables, values, strict=True):
                variable.assign(value)
