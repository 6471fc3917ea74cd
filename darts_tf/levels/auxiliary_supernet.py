"""A second supernet as what learns beside the first one, with an architecture of its own."""

import keras
import tensorflow as tf

from darts_tf.common import seeds
from darts_tf.gradients.problem import ARCHITECTURE, WEIGHTS
from darts_tf.layers.keras_settings import inner_layers
from darts_tf.layers.stems import Classifier
from darts_tf.levels.auxiliary_model import AuxiliaryPass
from darts_tf.supernets.features import SupernetFeatures
from darts_tf.supernets.problem import SupernetProblem


class AuxiliarySupernet:
    """A supernet like that of a search, with a classifier on its features.

    The space, the size and the relaxation are the same, the initial values are others. What
    schedules set, such as a temperature, is that of the search's supernet. Its own head is not
    used.

    Args:
        problem: of the search's supernet.

    Attributes:
        variables: what is trained: the weights, those of the classifier last.
        architecture_variables: what is moved with the search's architecture.
        statistics: all others, such as moving statistics.
    """

    def __init__(self, problem: SupernetProblem):
        main = problem.supernet
        config = main.get_config()
        number = len(main.architecture_variables)
        own = {"name": f"auxiliary_{main.name}", "seed": seeds.of_variable(config["seed"], number)}
        self._supernet = type(main).from_config({**config, **own, "decisions": False})
        features = problem.of(self._supernet)
        self._features = SupernetFeatures(features, scheduled=main)
        with inner_layers(keras.dtype_policies.get(main.variable_dtype)):
            self._classifier = Classifier(config["num_classes"], name="auxiliary_classifier")
            self._classifier.build((None, self._features.channels))
        unused = {id(v) for v in self._supernet.head.trainable_variables}
        self._used = [id(v) not in unused for v in self._supernet.weight_variables]
        pairs = zip(self._supernet.weight_variables, self._used, strict=True)
        self._last = self._classifier.trainable_variables
        self.variables = [*(v for v, used in pairs if used), *self._last]
        self.architecture_variables = self._supernet.architecture_variables
        self.statistics = features.statistics

    def __call__(self, values, inputs, architecture, seed=None) -> AuxiliaryPass:
        """A pass in training mode; nothing is written.

        Args:
            values: of `variables`.
            inputs: of the supernet.
            architecture: values of `architecture_variables`.
            seed: `[2]` int32, of what it draws; None for no draw.
        """
        count = len(values) - len(self._last)
        given = iter(values[:count])
        weights = [
            next(given) if used else tf.convert_to_tensor(variable)
            for variable, used in zip(self._supernet.weight_variables, self._used, strict=True)
        ]
        point = {WEIGHTS: weights, ARCHITECTURE: architecture}
        features, statistics = self._features(point, inputs, seed)
        features = tf.cast(features, values[0].dtype)
        last = list(zip(self._last, values[count:], strict=True))
        with keras.StatelessScope(state_mapping=last):
            logits = self._classifier(features)
        return AuxiliaryPass(features, logits, statistics)
