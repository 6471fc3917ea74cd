"""A trained forecaster as a SavedModel that says what series it foretells."""

import json
from collections.abc import Mapping

from darts_tf.common.errors import UserError
from darts_tf.export.network import NetworkExport, export_network
from darts_tf.tasks import Forecasting

# What of the description of a series stands in the export.
_TOLD = ("columns", "window", "horizon", "transform", "first_row")


def export_forecaster(
    model,
    directory,
    *,
    series: Mapping,
    genotype_json: str | None = None,
    **options,
) -> NetworkExport:
    """Writes a trained forecaster as a SavedModel that needs no Keras.

    Its signature `serving_default` takes `window`, float32 `[B, window, columns]`, and returns
    `forecast`, float32 `[B, columns]`, both in the series' own units. `assets/series.json` names
    the columns, the horizon and what else `darts_tf.serving` shows. ONNX and LiteRT files have that
    signature too.

    Args:
        model: a functional model, such as `build_forecaster` makes.
        directory: the folder that gets the version folder; made if missing.
        series: what `SeriesData.description` says of the series.
        genotype_json: the cell as JSON, which becomes `assets/genotype.json`; None for none.
        **options: `version`, `overwrite` and `formats`, as `export_network` has them.

    Raises:
        UserError: the model does not take windows of the series, or as for `export_network`.

    Example:
        >>> data = datasets.load_series("goog")
        >>> network = build_forecaster("gru", data)
        >>> export_forecaster(network, "MODEL", series=data.description())
    """
    expected = (None, series["window"], len(series["columns"]))
    if tuple(model.input_shape) != expected:
        raise UserError(
            f"the model takes windows of the shape {list(model.input_shape)}, and those of the "
            f"series have {list(expected)}; they must come from the same run"
        )
    described = {name: series[name] for name in _TOLD}
    return export_network(
        model,
        directory,
        task=Forecasting(len(series["columns"]), example=series["first_row"]),
        assets={"series.json": json.dumps(described), "genotype.json": genotype_json},
        **options,
    )
