"""Pictures of cells, operation weights, entropy, training curves, forecasts, searches compared.

Every function writes one file whose suffix chooses the format (`.svg` or `.png`), makes the same
bytes from the same arguments, and leaves matplotlib's global state alone.
"""

from darts_tf.plots.best_so_far import plot_best_so_far
from darts_tf.plots.candidates import plot_candidates
from darts_tf.plots.cells import plot_cell, plot_genotype
from darts_tf.plots.collapse import plot_collapse
from darts_tf.plots.entropy import plot_entropy
from darts_tf.plots.forecasts import plot_forecasts
from darts_tf.plots.history import plot_history
from darts_tf.plots.operation_weights import plot_operation_weights
from darts_tf.plots.selections import plot_selections

__all__ = [
    "plot_best_so_far",
    "plot_candidates",
    "plot_cell",
    "plot_collapse",
    "plot_entropy",
    "plot_forecasts",
    "plot_genotype",
    "plot_history",
    "plot_operation_weights",
    "plot_selections",
]
