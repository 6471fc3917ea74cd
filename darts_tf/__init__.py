"""Differentiable architecture search on Keras 3 and TensorFlow: the public names.

They are imported when they are first used, because a server of exported networks uses this package
without Keras.
"""

import importlib

_MODULES = {
    "ArchitectureSearch": "search",
    "BatchNormalization": "layers.batch_normalization",
    "BenchmarkTable": "benchmark_tables",
    "BilevelProblem": "gradients",
    "Cell": "layers.cell",
    "CellGenotype": "cell_genotype",
    "Genotype": "genotypes",
    "InnerStep": "gradients",
    "METHODS": "methods",
    "Method": "method",
    "MixedOp": "layers.mixed_op",
    "Recipe": "training",
    "Space": "spaces",
    "Supernet": "supernet",
    "UserError": "errors",
    "build_network": "networks",
    "export_model": "export",
    "train_network": "training",
    "without_auxiliary": "networks",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_MODULES])
