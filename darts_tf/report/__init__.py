"""A report of runs: one HTML file that needs nothing else and opens offline."""

from darts_tf.report import comparison
from darts_tf.report.page import render, write
from darts_tf.report.run import Run

__all__ = ["Run", "comparison", "render", "write"]
