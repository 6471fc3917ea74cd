"""Tasks: the data, the loss, the metrics and the state of a search and of a training."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.common.registry import Unnamed
from darts_tf.tasks import keras_losses
from darts_tf.tasks.metrics import Metric, Objective, counted


class Examples(NamedTuple):
    """The examples of a batch.

    Attributes:
        inputs: what the model is called with, tensors `[batch, ...]`.
        targets: what its outputs are compared with.
        sample_weights: of the counted elements, `[batch]` or shaped as the losses; None where all
            count alike.
    """

    inputs: Any
    targets: Any
    sample_weights: tf.Tensor | None = None

    @property
    def weights(self) -> tf.Tensor | None:
        """The former name of `sample_weights`."""
        return self.sample_weights


class Task(Unnamed):
    """A task that supernets are searched for, and networks trained for.

    A task holds no variables: it is functions of batches and of a model's outputs. The least that a
    task of your own defines is `losses`. The defaults of the rest are: batches are `(inputs,
    targets)` or, as Keras has them, `(inputs, targets, weights)`; there are no metrics; networks
    are ranked by the loss; no state is carried from batch to batch.

    A task whose batches follow each other, such as the parts of a text, defines `initial_state` as
    well. Its model is called with `state`, None or a structure as `initial_state` returns it, and
    returns a pair of the outputs and the state after the batch. A stream's state starts anew with
    every pass, no gradient flows through it, and it belongs to the batch: batches that the losses
    of a search are given are `(*batch, state)`, or `(batch, state)` where a batch is a dictionary.
    """

    @property
    def name(self) -> str:
        """How messages and the headings of plots call the task."""
        return type(self).__qualname__

    def inputs_and_targets(self, batch) -> tuple[Any, Any]:
        """From an element of a data set to what goes in and what should come out.

        Default: its first two parts.
        """
        return batch[0], batch[1]

    def weights(self, batch) -> tf.Tensor | None:
        """How much the elements of a batch's losses count, 0 for what is masked.

        Default: the batch's third part, None where there is none, as in a dictionary.

        Returns:
            `[batch]`, or shaped as the losses; None where all count alike.
        """
        return batch[2] if isinstance(batch, tuple | list) and len(batch) > 2 else None

    def losses(self, targets, outputs) -> tf.Tensor:
        """The losses of a batch's elements, `[batch]` or, of sequences, `[batch, time]`.

        Differentiable in the outputs, twice for the gradients of second order.
        """
        raise NotImplementedError

    def training_losses(self, targets, outputs, label_smoothing: float = 0.0) -> tf.Tensor:
        """The losses that a network is trained from scratch with. Default: `losses`.

        Args:
            targets, outputs: as for `losses`.
            label_smoothing: of the recipe, in [0, 1).

        Raises:
            UserError: there is smoothing, and the task knows none.
        """
        if label_smoothing:
            raise UserError(
                f"the label smoothing is {label_smoothing:g}, but the task {self.name!r} has none; "
                "leave it at 0, or define training_losses"
            )
        return self.losses(targets, outputs)

    def counted_loss(self, targets, outputs, weights=None) -> tuple[tf.Tensor, tf.Tensor]:
        """The sum of a batch's losses and the number of elements that it is a sum of.

        The loss of a batch is their quotient, on several replicas that of the sums over all, so
        that losses `[batch, time]` have the mean of all steps, and what is masked counts nowhere.

        Args:
            targets, outputs: as for `losses`.
            weights: of `weights`; None where all elements count alike.

        Returns:
            Two scalars of the losses' type. Default: the sums of `losses` and of the weights.
        """
        return counted(self.losses(targets, outputs), weights)

    def metrics(self) -> tuple[Metric, ...]:
        """The metrics besides the loss. Default: none."""
        return ()

    @property
    def objective(self) -> Objective:
        """The number that ranks epochs, candidates and trials.

        Default: the first of `metrics`, without any the loss.
        """
        for metric in self.metrics():
            return Objective(metric.name, metric.larger_is_better)
        return Objective("loss", larger_is_better=False)

    def initial_state(self, model: keras.Model, batch_size: int):
        """The state of a stream before its first batch.

        Args:
            model: the supernet or the network.
            batch_size: examples of a batch; the stream's batches all have as many.

        Returns:
            A structure of tensors `[batch_size, ...]`; None (the default): batches are independent.
        """
        return None

    @property
    def carries_state(self) -> bool:
        """Whether there is a state: whether the task defines `initial_state`."""
        return type(self).initial_state is not Task.initial_state

    def from_the_start(self, model: keras.Model, batch: tuple) -> tuple:
        """A batch as a pass takes it that goes on from no other: with the initial state, if any.

        Args:
            model: the supernet or the network.
            batch: tensors, as the data give them.
        """
        if not self.carries_state:
            return batch
        state = self.initial_state(model, tf.nest.flatten(batch)[0].shape[0])
        return self.with_state(batch, state)

    def rate_factor(self, targets) -> float | tf.Tensor | None:
        """The factor of the weights' learning rate in the step on a batch.

        Where batches differ in how much there is in them, as the windows of a text do, and the loss
        is a mean.

        Args:
            targets: of the batch, the same on all replicas in what decides the factor.

        Returns:
            A scalar; None (the default): the rate is the same in all steps.
        """
        return None

    @property
    def scales_rate(self) -> bool:
        """Whether there is a factor: whether the task defines `rate_factor`."""
        return type(self).rate_factor is not Task.rate_factor

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """The outputs of an exported network, by name. Default: `outputs`, in float32."""
        return {"outputs": tf.cast(outputs, tf.float32)}

    def made_up_inputs(self, signature, draw):
        """Inputs that an exported network and the Keras model are compared on.

        Args:
            signature: a structure of `tf.TensorSpec` with known shapes.
            draw: a `numpy.random.Generator`.

        Returns:
            A structure of arrays. Default: N(0, 1) for floats, 0 and 1 for integers.
        """

        def make(spec):
            if spec.dtype.is_floating:
                return draw.normal(size=spec.shape).astype(spec.dtype.as_numpy_dtype)
            return draw.integers(0, 2, spec.shape).astype(spec.dtype.as_numpy_dtype)

        return tf.nest.map_structure(make, signature)

    # What follows is made of the methods above; a task of your own leaves it as it is.

    def unpack(self, batch) -> Examples:
        """The examples in an element of a data set."""
        return Examples(*self.inputs_and_targets(batch), self.weights(batch))

    def parts(self, batch) -> Examples:
        """The former name of `unpack`."""
        return self.unpack(batch)

    def unpack_with_state(self, batch) -> tuple[Examples, Any]:
        """The examples in a batch that a search's losses are given, and the state before it."""
        if not self.carries_state:
            return self.unpack(batch), None
        *batch, state = batch
        whole = len(batch) == 1 and isinstance(batch[0], Mapping)
        return self.unpack(batch[0] if whole else tuple(batch)), state

    def with_state(self, batch, state) -> tuple:
        """A batch and the state before it, as the losses of a search are given them."""
        return (batch, state) if isinstance(batch, Mapping) else (*batch, state)

    def call(self, model: Callable, inputs, state=None, **options) -> tuple[Any, Any]:
        """Calls a model.

        Args:
            model: it takes `state` if the task carries one.
            inputs: of a batch.
            state: before the batch; None for the initial one.
            **options: more arguments of the model.

        Returns:
            The outputs, and the state after the batch, None for a task without.
        """
        if not self.carries_state:
            return model(inputs, **options), None
        return model(inputs, state=state, **options)

    def with_loss(self, losses: Callable) -> "Task":
        """The same task with other losses.

        Args:
            losses: `(targets, outputs) -> [batch]` or `[batch, time]`, or what Keras' `compile`
                takes, see `darts_tf.tasks.keras_losses`.

        Raises:
            UserError: it is no loss.
        """
        changed = copy.copy(self)
        object.__setattr__(changed, "losses", keras_losses.by_example(losses))
        return changed

    def curves(self) -> Mapping[str, tuple[str, bool]]:
        """The curves drawn by epoch: name -> (heading, whether it is a share)."""
        return {"loss": ("Loss", False), **{m.name: (m.title, m.share) for m in self.metrics()}}
