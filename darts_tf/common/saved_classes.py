"""The classes that Keras may meet in a saved file, found without importing them before.

Keras loads a class that is not its own only if it was registered, which a decorator does when the
class is defined. Here stand-ins are registered as soon as Keras is imported; each imports its class
when a file names it.
"""

import importlib

_CLASSES = {
    "layers.activation_regularization": ("ActivationRegularization", "Slowness"),
    "layers.batch_normalization": ("BatchNormalization",),
    "cells.batched_cell": ("BatchedMixedCell",),
    "cells.cell": ("Cell", "MixedCell"),
    "layers.convolutions": ("EverySecondPixel",),
    "layers.depthwise": ("DepthwiseConv2D",),
    "layers.drop_path": ("DropPath",),
    "cells.mixed_op": ("MixedOp", "Normalized"),
    "cells.partial_cell": ("BatchedPartialCell", "PartialMixedCell"),
    "cells.recurrent.cell": ("RecurrentCell",),
    "cells.recurrent.layer": ("RecurrentLayer",),
    "cells.recurrent.mixed_cell": ("RecurrentMixedCell",),
    "cells.recurrent.two_input_cell": ("TwoInputCell",),
    "cells.recurrent.two_input_mixed_cell": ("TwoInputMixedCell",),
    "cells.sampled_cell": ("SampledCell",),
    "layers.series_scaling": ("ForecastHead", "ScaledWindow"),
    "layers.stems": (
        *("AuxiliaryHead", "Classifier", "GlobalMean", "ImageNetStem", "ImageNetStems"),
        *("SpaceToDepth", "SpaceToDepthStem", "Stem"),
    ),
    "layers.tied_embedding": ("TiedEmbedding",),
    "macros.nas_bench_201": ("NormalizedClassifier", "ResidualReduction"),
    "operations.convolutions": (
        "DilatedConvolution",
        "FactorizedConvolution",
        "FactorizedReduce",
        "ReLUConvBN",
        "SeparableConvolution",
    ),
    "operations.noise": ("Noise",),
    "operations.pooling": ("AvgPool3x3", "MaxPool3x3"),
    "operations.skip": ("Identity", "Zero"),
    "runtime.averaged_sgd": ("AveragedSGD",),
    "runtime.optimizers": ("Adam", "SGD"),
    "supernets.supernet": ("Supernet",),
    "tasks.class_accuracy": ("ClassAccuracy",),
    "tasks.keras_loss": ("TaskLoss",),
    "networks.language_model": ("LanguageModel",),
    "networks.training": ("SmoothedCrossentropy",),
}


class _StandIn:
    """Makes objects of a class that is imported when it is needed."""

    def __init__(self, module: str, name: str):
        self._module = module
        self._name = name

    def from_config(self, config):
        """An object of the class, whose own registration has replaced this one's by then."""
        return getattr(importlib.import_module(self._module), self._name).from_config(config)


def register(keras) -> None:
    """Makes all classes of the package known to the module `keras`."""
    known = keras.saving.get_custom_objects()
    for module, names in _CLASSES.items():
        for name in names:
            # One that is imported already has registered itself.
            known.setdefault(f"darts_tf>{name}", _StandIn(f"darts_tf.{module}", name))
