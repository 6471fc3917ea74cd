"""Search spaces and searches for Keras Tuner (`keras_tuner`).

`CellHyperModel` lets the stock tuners search the cells of any space; the trials of
`ArchitectureTuner` are differentiable searches; `SupernetOracle` proposes what a finished supernet
thinks best, `RankedOracle` what a search within a budget has found.
"""

from darts_tf.tuner.architecture_tuner import ArchitectureTuner
from darts_tf.tuner.bayesian_oracle import BayesianOptimizationOracle
from darts_tf.tuner.cell_hyper_model import CellHyperModel
from darts_tf.tuner.halves import halves
from darts_tf.tuner.networks import (
    ForecastNetworks,
    ImageNetworks,
    LanguageNetworks,
    Networks,
)
from darts_tf.tuner.proposals import start_with
from darts_tf.tuner.ranked_oracle import RankedOracle
from darts_tf.tuner.resumable import GridSearchOracle, ResumableHyperband, ResumableTuner
from darts_tf.tuner.search_data import SearchData
from darts_tf.tuner.supernet_oracle import Ranked, SupernetOracle, rank_by_supernet, sample_learned

__all__ = [
    "ArchitectureTuner",
    "BayesianOptimizationOracle",
    "CellHyperModel",
    "ForecastNetworks",
    "GridSearchOracle",
    "ImageNetworks",
    "LanguageNetworks",
    "Networks",
    "Ranked",
    "RankedOracle",
    "ResumableHyperband",
    "ResumableTuner",
    "SearchData",
    "SupernetOracle",
    "halves",
    "rank_by_supernet",
    "sample_learned",
    "start_with",
]
