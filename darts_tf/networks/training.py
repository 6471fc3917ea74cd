"""Training a derived network from scratch, as DARTS evaluates a cell."""

import dataclasses
import functools
from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

from darts_tf import tasks
from darts_tf.common.errors import UserError
from darts_tf.common.lengths import count_batches, refuse_endless
from darts_tf.common.variable_names import short_variable_names
from darts_tf.layers.drop_path import DropPathSchedule
from darts_tf.layers.keras_settings import check_floatx
from darts_tf.networks.epoch_callbacks import OfOneEpoch
from darts_tf.networks.network import without_training
from darts_tf.runs.checkpoints import Checkpoints
from darts_tf.runtime import optimizers, shared_traces
from darts_tf.runtime.grappler import without_grappler
from darts_tf.runtime.recalibration import BATCHES, BeforeValidation, Recalibration
from darts_tf.search import callbacks
from darts_tf.tasks import data_check, streams
from darts_tf.tasks.keras_loss import TaskLoss
from darts_tf.tasks.streams import Batches

# Of arrays, as DARTS trains networks.
_BATCH_SIZE = 96


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained (Liu, Simonyan, Yang, ICLR 2019, section 3.2 and appendix A.2).

    Attributes:
        epochs: number of epochs.
        learning_rate: first learning rate; it falls to 0 along a cosine.
        momentum: of SGD.
        weight_decay: factor of L2, added to the clipped gradient.
        clip_norm: largest global norm of the gradient.
        drop_path: the rate that drop path comes to in the last epoch, linearly from 0.
        auxiliary_weight: of the auxiliary head's loss.
        label_smoothing: share of the target that is spread over all classes.
    """

    epochs: int = 600
    learning_rate: float = 0.025
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    drop_path: float = 0.2
    auxiliary_weight: float = 0.4
    label_smoothing: float = 0.0


def compile_network(network: keras.Model, recipe: Recipe, steps_per_epoch: int, task=None) -> None:
    """Compiles a network of `build_network` with the recipe's optimizer, losses and metrics.

    The targets of `fit` are the task's, such as integer labels, with an auxiliary head a dictionary
    of them for `logits` and `auxiliary`.

    Args:
        network: from `build_network`.
        recipe: how it is trained.
        steps_per_epoch: for the schedule of the learning rate.
        task: see `darts_tf.tasks`; default: the classification of images.

    Raises:
        UserError: the recipe smooths labels, which the task has none of.
    """
    check_floatx()
    task = tasks.get(task)
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, recipe.epochs * steps_per_epoch
    )
    optimizer = optimizers.SGD(
        schedule, recipe.momentum, l2=recipe.weight_decay, global_clipnorm=recipe.clip_norm
    )
    loss, metrics = TaskLoss(task, recipe.label_smoothing), [m() for m in task.metrics()]
    if isinstance(network.output, dict):
        network.compile(
            optimizer,
            loss={"logits": loss, "auxiliary": loss},
            loss_weights={"logits": 1.0, "auxiliary": recipe.auxiliary_weight},
            weighted_metrics={"logits": metrics},
        )
    else:
        network.compile(optimizer, loss=loss, weighted_metrics=metrics)


@without_grappler()
def train_network(
    network: keras.Model,
    train: Batches,
    recipe: Recipe,
    *,
    validation: tf.data.Dataset | tuple | None = None,
    extra_callbacks=(),
    checkpoint_dir=None,
    task=None,
) -> keras.callbacks.History:
    """Trains a network from scratch, or goes on from the newest checkpoint.

    In the end, and before every validation, the moving statistics are measured again on 19 batches
    of the epoch's training images (`darts_tf.runtime.recalibration`). On a CPU graphs run as they
    are traced (`darts_tf.runtime.grappler`).

    Args:
        network: from `build_network`.
        train: a function from the number of the epoch to its batches of the task, such as (images,
            labels); a `tf.data.Dataset` of them, or arrays, which come in batches of 96, as in
            DARTS, in another order in each epoch. What they may hold: docs/given_data.md.
        recipe: how to train.
        validation: batches, or arrays, to evaluate after every epoch; None for none.
        extra_callbacks: more Keras callbacks.
        checkpoint_dir: where a checkpoint is written after every epoch; None for none.
        task: see `darts_tf.tasks`; default: the classification of images.

    Returns:
        The Keras history of this call. An epoch has `loss` and the task's metrics, such as
        `accuracy`; with an auxiliary head `loss` holds its share, and `logits_loss` and
        `auxiliary_loss` are the parts.

    Raises:
        UserError: the number of training batches is unknown or infinite, the validation data have
            no end, the network and the task do not take them, or the task carries a state.
    """
    task = tasks.get(task)
    _refuse_state(task)
    options = {"batch_size": _BATCH_SIZE, "seed": 0, "drop_remainder": True}
    train = streams.by_epoch("training data", train, **options)
    steps = count_batches("training batches", train(0))
    if validation is not None:
        validation = _checked("validation data", validation, network, task)
    _check_data("training data", train(0), network, task)
    compile_network(network, recipe, steps, task)
    with short_variable_names():
        network.optimizer.build(network.trainable_variables)
    first_epoch, last_callbacks = 0, []
    if checkpoint_dir:
        checkpoints = Checkpoints(
            checkpoint_dir,
            {"network": network.variables, "optimizer": network.optimizer.variables},
        )
        first_epoch, _ = checkpoints.restore()
        last_callbacks = [callbacks.CheckpointEpochs(checkpoints)]
    history = keras.callbacks.History()
    calls = keras.callbacks.CallbackList(
        [
            DropPathSchedule(recipe.drop_path, recipe.epochs),
            *extra_callbacks,
            *last_callbacks,
            history,
        ],
        model=network,
        epochs=recipe.epochs,
        steps=steps,
        verbose=0,
    )
    recalibrate = Recalibration(network)
    sharing = shared_traces.sharing()

    auxiliary = isinstance(network.output, dict)
    if validation is not None:
        validation = _with_targets(validation, task, auxiliary)

    def inputs(epoch):
        return (task.unpack(batch).inputs for batch in train(epoch).take(BATCHES))

    network.stop_training = False
    calls.on_train_begin()
    for epoch in range(first_epoch, recipe.epochs):
        # One data set for all epochs would need a Python generator inside of tf.data, whose thread
        # waits for the interpreter while the interpreter waits for it.
        with sharing():
            network.fit(
                _with_targets(train(epoch), task, auxiliary),
                epochs=epoch + 1,
                initial_epoch=epoch,
                validation_data=validation,
                callbacks=[
                    OfOneEpoch(calls, network, task),
                    BeforeValidation(recalibrate, functools.partial(inputs, epoch)),
                ],
                shuffle=False,
                verbose=0,
            )
        if network.stop_training:
            break
    recalibrate(inputs(recipe.epochs - 1))
    calls.on_train_end()
    network.history = history
    return history


def test_network(network: keras.Model, data: tf.data.Dataset, task=None) -> dict[str, float]:
    """Mean loss and the task's metrics on batches, without the auxiliary head.

    What the network was compiled with stays.

    Args:
        network: from `build_network`.
        data: batches of the task, such as (images, labels), or arrays.
        task: see `darts_tf.tasks`; default: the classification of images, which has `accuracy`.

    Raises:
        UserError: the data have no end, the network and the task do not take them, or the task
            carries a state.
    """
    task = tasks.get(task)
    _refuse_state(task)
    data = _checked("test data", data, network, task)
    check_floatx()
    network = without_training(network)
    network.compile(loss=TaskLoss(task, 0.0), weighted_metrics=[m() for m in task.metrics()])
    return network.evaluate(_with_targets(data, task), verbose=0, return_dict=True)


def _checked(name, data, network, task) -> tf.data.Dataset:
    """Data to evaluate a network on, which were looked at, in batches."""
    data = streams.by_epoch(name, data, batch_size=_BATCH_SIZE)(0)
    refuse_endless(name, data)
    _check_data(name, data, network, task)
    return data


def _check_data(name, data, network, task) -> None:
    def logits(found):
        return found["logits"] if isinstance(found, dict) else found

    takes = data_check.Takes(
        tf.TensorSpec(network.input_shape, network.inputs[0].dtype),
        lambda shape: logits(network.compute_output_shape(shape)),
        lambda inputs: logits(network(inputs, training=False)),
    )
    data_check.check(name, data, task, takes)


def _refuse_state(task) -> None:
    if task.carries_state:
        raise UserError(
            f"the task {task.name!r} carries a state from batch to batch, which Keras' fit does "
            "not; train such a network with a loop that hands it on"
        )


@keras.saving.register_keras_serializable("darts_tf")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits and integer labels with label smoothing.

    Szegedy et al., CVPR 2016, section 7: the target is (1 - smoothing) on the label plus
    smoothing / classes everywhere.

    Args:
        smoothing: in [0, 1); 0 is the ordinary cross-entropy.
    """

    def __init__(self, smoothing: float = 0.0, name="crossentropy", dtype="float32", **kwargs):
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        # Keras passes on lists as they are.
        targets, outputs = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
        return tasks.ImageClassification().training_losses(targets, outputs, self.smoothing)

    def get_config(self):
        return {**super().get_config(), "smoothing": self.smoothing}


def all_epochs(
    train: Callable[[int], tf.data.Dataset], epochs: Iterable[int], auxiliary: bool = False
) -> tf.data.Dataset:
    """The batches of all epochs in a row, for a `fit` that takes one data set for them all.

    Args:
        train: a function from the number of the epoch to its batches of (images, labels).
        epochs: their numbers, at least one.
        auxiliary: whether the network has an auxiliary head, which takes the labels too.
    """
    batches = functools.reduce(tf.data.Dataset.concatenate, map(train, epochs))
    return _with_targets(batches, tasks.get(), auxiliary)


def _with_targets(
    batches: tf.data.Dataset, task: tasks.Task, auxiliary: bool = False
) -> tf.data.Dataset:
    """The batches as Keras' `fit` takes them, with the targets of every head."""

    def convert(*batch):
        # A dictionary is whole.
        inputs, *others = task.unpack(batch[0] if isinstance(batch[0], dict) else batch)
        found = [x for x in others if x is not None]
        if auxiliary:
            found = [{"logits": x, "auxiliary": x} for x in found]
        return inputs, *found

    return batches.map(convert)
