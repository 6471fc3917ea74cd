"""A trained network as a SavedModel."""

from darts_tf.export.export import TOLERANCE, ExportResult, export_model
from darts_tf.export.forecaster import export_forecaster
from darts_tf.export.language_model import export_language_model
from darts_tf.export.network import NetworkExport, export_network
from darts_tf.export.of_run import arguments_of

__all__ = [
    "TOLERANCE",
    "ExportResult",
    "NetworkExport",
    "arguments_of",
    "export_forecaster",
    "export_language_model",
    "export_model",
    "export_network",
]
