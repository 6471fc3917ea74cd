"""Search spaces and searches for Keras Tuner (`keras_tuner`).

`CellHyperModel` lets the stock tuners search the cells of any space; the trials of
`ArchitectureTuner` are differentiable searches.
"""

from darts_tf.tuner.architecture_tuner import ArchitectureTuner
from darts_tf.tuner.cell_hyper_model import CellHyperModel
from darts_tf.tuner.proposals import start_with

__all__ = ["ArchitectureTuner", "CellHyperModel", "start_with"]
