"""Differentiable architecture search on Keras 3 and TensorFlow: the public names.

They are imported when they are first used, because a server of exported networks uses this package
without Keras. `keras.models.load_model` finds the package's classes all the same, whichever of the
two is imported first.
"""

import importlib

import wrapt

from darts_tf.common import keras_backend

_MODULES = {
    "ArchitectureSearch": "search",
    "BatchNormalization": "layers.batch_normalization",
    "BenchmarkTable": "nas_bench.tables",
    "BilevelProblem": "gradients",
    "Cell": "cells.cell",
    "CellGenotype": "genotypes",
    "Genotype": "genotypes",
    "InnerStep": "gradients",
    "LanguageModel": "networks.language_model",
    "LanguageRecipe": "networks.language_training",
    "METHODS": "methods",
    "Method": "methods",
    "MixedOp": "cells.mixed_op",
    "Recipe": "networks.training",
    "RecurrentCell": "cells.recurrent.cell",
    "RecurrentLayer": "cells.recurrent.layer",
    "RecurrentMixedCell": "cells.recurrent.mixed_cell",
    "Space": "spaces",
    "Supernet": "supernets.supernet",
    "Task": "tasks",
    "TextData": "datasets",
    "UserError": "common.errors",
    "build_language_model": "networks.language_model",
    "build_network": "networks",
    "export_model": "export",
    "search_for": "budget",
    "train_language_model": "networks.language_training",
    "train_network": "networks.training",
    "without_auxiliary": "networks",
}

__all__ = sorted(_MODULES)

wrapt.register_post_import_hook("darts_tf.common.saved_classes:register", "keras")


def __getattr__(name: str):
    if name in _MODULES:
        try:
            return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
        except ModuleNotFoundError:
            keras_backend.check()
            raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_MODULES])
