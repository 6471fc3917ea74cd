"""Imports of the server of `tests.forks`, and so of every process that it forks."""

# First, as in every program.
import train.startup  # noqa: F401, I001

import gc
import importlib
import importlib.util
import pkgutil

import keras  # noqa: F401
import tensorflow as tf

import darts_tf.plots  # noqa: F401
import train
from darts_tf.plots import style
from tests import no_pictures

style.save = no_pictures.touch

# These processes run their graphs a few times only; to optimise them takes longer.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

# What the programs import, which are themselves run from scratch.
for _module in pkgutil.iter_modules(train.__path__, "train."):
    _source = importlib.util.find_spec(_module.name).loader
    if not _module.ispkg and '__name__ == "__main__"' not in _source.get_source(_module.name):
        importlib.import_module(_module.name)

# To look for garbage among it takes half a second, and would copy it into every process.
gc.freeze()
