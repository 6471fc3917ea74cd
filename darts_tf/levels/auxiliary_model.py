"""The network that learns beside a supernet: what gives features, and a classifier on them."""

import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from darts_tf.common.errors import UserError, reason
from darts_tf.layers.keras_settings import check_policy, inner_layers
from darts_tf.layers.stems import Classifier, GlobalMean
from darts_tf.levels.residual_network import residual_network
from darts_tf.supernets.supernet import Supernet

#: The name of the network that is made where no other one is given, and that of a supernet like
#: the search's own.
RESIDUAL, SUPERNET = NAMES = "resnet", "supernet"


class AuxiliaryPass(NamedTuple):
    """The result of a pass.

    Attributes:
        features: `[batch, channels]`, in the type of the variables.
        logits: `[batch, classes]`.
        statistics: new values of the other variables.
    """

    features: tf.Tensor
    logits: tf.Tensor
    statistics: list[tf.Tensor]


class AuxiliaryModel:
    """A Keras model that gives features, with a classifier behind it, as a function of its weights.

    Args:
        model: from what the supernet takes to features `[batch, channels]`, or `[batch, ...,
            channels]`, whose mean over all positions is taken then.
        num_classes: number of logits.

    Attributes:
        variables: what is trained.
        architecture_variables: none; see `AuxiliarySupernet`.
        statistics: all others, such as moving statistics.

    Raises:
        UserError: what the model gives is no features of floating-point numbers, or a weight of 16
            bits.
    """

    def __init__(self, model: keras.Model, num_classes: int):
        shape = getattr(model, "output_shape", None)
        if not isinstance(shape, tuple) or len(shape) < 2 or not isinstance(shape[-1], int):
            raise UserError(
                f"the auxiliary model {model.name!r} has outputs of the shape {shape}; expected "
                "one tensor of features, [batch, ..., channels], with known channels"
            )
        check_policy(model.dtype_policy)
        self._model, (_, *positions, channels) = model, shape
        with inner_layers(keras.dtype_policies.get(model.variable_dtype)):
            self._mean = GlobalMean()
            self._classifier = Classifier(num_classes, name="auxiliary_classifier")
            self._classifier.build((None, channels))
        self._pools = bool(positions)
        self.architecture_variables = []
        self.variables = [*model.trainable_variables, *self._classifier.trainable_variables]
        self.statistics = list(model.non_trainable_variables)

    def __call__(self, values, inputs, architecture=(), seed=None) -> AuxiliaryPass:
        """A pass in training mode at given values of `variables`; nothing is written.

        The arguments are those of `AuxiliarySupernet`; here is no architecture and no draw.
        """
        given = list(zip(self.variables, values, strict=True))
        with keras.StatelessScope(state_mapping=given) as scope:
            features = tf.cast(self._model(inputs, training=True), values[0].dtype)
            if self._pools:
                features = self._mean(features)
            logits = self._classifier(features)
        moved = ((v, scope.get_current_value(v)) for v in self.statistics)
        return AuxiliaryPass(
            features,
            logits,
            [tf.convert_to_tensor(v.value if new is None else new) for v, new in moved],
        )


def make(auxiliary: str | Callable, supernet: Supernet) -> AuxiliaryModel:
    """The auxiliary model for a supernet.

    Args:
        auxiliary: "resnet" for a small `residual_network`; the path of a `.keras` file; or a
            function `(input_shape) -> keras.Model`.
        supernet: what it learns from, whose inputs it takes.

    Raises:
        UserError: there is no such file, or the model does not take these inputs.
    """
    shape = supernet.get_config()["input_shape"]
    if auxiliary == RESIDUAL:
        model = residual_network(shape, policy=supernet.dtype_policy)
    elif isinstance(auxiliary, str | pathlib.Path):
        model = _load(auxiliary)
    else:
        model = auxiliary(shape)
    # A Keras model has a list of them where it has several.
    expected = getattr(model, "input_shape", None)
    fits = isinstance(expected, tuple) and len(expected) == 1 + len(shape)
    if not fits or any(n not in (None, m) for n, m in zip(expected[1:], shape, strict=True)):
        raise UserError(
            f"the auxiliary model {model.name!r} takes inputs of the shape {expected}; expected "
            f"{(None, *shape)}, as the supernet does"
        )
    return AuxiliaryModel(model, supernet.get_config()["num_classes"])


def _load(path) -> keras.Model:
    if not pathlib.Path(path).is_file():
        raise UserError(
            f"auxiliary={str(path)!r}: there is no such file; expected {', '.join(NAMES)} or a "
            ".keras file of a model that gives features"
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise UserError(f"cannot load the auxiliary model {path}: {reason(error)}") from error
