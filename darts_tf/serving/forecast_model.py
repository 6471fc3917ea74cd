"""An exported forecaster in memory, ready to foretell."""

import json

import numpy as np

from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import DEFAULT_SIGNATURE
from darts_tf.serving.loaded_model import LoadedModel


class ServedForecasts(LoadedModel):
    """The newest version of a model that `darts_tf.export.forecaster` wrote.

    Args:
        directory, name: see `LoadedModel`.

    Attributes:
        series: what is known of the series: `columns`, their names, `window`, the rows that a
            forecast is made from, `horizon`, how many rows after the last one is foretold,
            `transform`, and `first_row`, an example.
    """

    page = "forecast.html"
    examples = "windows"
    step_images = 256

    def _read_assets(self, assets):
        self.series = json.loads((assets / "series.json").read_text(encoding="utf-8"))
        shape = self.inputs(DEFAULT_SIGNATURE)["window"].shape[1:]
        if shape != (self.series["window"], len(self.series["columns"])):
            raise ValueError(f"series.json does not describe windows {list(shape)}")
        self._logarithms = self.series["transform"] == "log_returns"
        self._example = np.tile(np.float32(self.series["first_row"]), (1, shape[0], 1))

    def about(self):
        return {**super().about(), **self.series}

    def prepare(self, signature, inputs, start=0):
        windows = inputs["window"]
        if self._logarithms and not (windows > 0).all():
            raise RequestError(
                400,
                f"window contains {windows.min():g}; expected numbers above 0, because this "
                "network computes with the changes of their logarithms",
            )
        return signature, inputs

    def check_outputs(self, outputs):
        if not np.isfinite(outputs["forecast"]).all():
            raise RequestError(
                400, "the forecast is no finite number; send windows in the series' own units"
            )

    def _warm_up(self):
        self.predict(DEFAULT_SIGNATURE, {"window": self._example})
