"""Search spaces and searches for Keras Tuner (`keras_tuner`).

`CellHyperModel` lets the stock tuners search the cells of any space.
"""

from darts_tf.tuner.cell_hyper_model import CellHyperModel
from darts_tf.tuner.proposals import start_with

__all__ = ["CellHyperModel", "start_with"]
