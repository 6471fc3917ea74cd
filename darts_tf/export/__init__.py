"""A trained network as a SavedModel."""

from darts_tf.export.export import TOLERANCE, ExportResult, export_model

__all__ = ["TOLERANCE", "ExportResult", "export_model"]
