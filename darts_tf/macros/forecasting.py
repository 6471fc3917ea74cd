"""The network around recurrent cells that forecasts several series."""

import types
from collections.abc import Mapping

from darts_tf.common.errors import UserError
from darts_tf.datasets.series_data import Scaling
from darts_tf.layers.series_scaling import ForecastHead, ScaledWindow
from darts_tf.macros.macro import CellPlan, Macro, walk
from darts_tf.macros.search_settings import SearchSettings


class ForecastingNetwork(Macro):
    """A dense layer of every step of a window, recurrent cells, a dense layer of the last step.

    The series' scaling is inside, so that windows and forecasts are in their own units. Every
    window is read from the initial state. A supernet of it is made with `input_shape=(window,
    columns)` and `num_classes=columns`.

    Args:
        scaling: that of the series, `SeriesData.scaling`.
        name: what messages call the network.
        cell_dropout: share of a cell's x_t that is dropped, the same at all steps of a window.
        state_dropout: share of the states inside a cell, likewise.

    Example:
        >>> data = datasets.load_series("goog")
        >>> macro = ForecastingNetwork(data.scaling)
        >>> space = dataclasses.replace(spaces.get("darts_rnn"), macro=macro)
        >>> supernet = Supernet(space, (data.window, 4), num_classes=4)
    """

    search_size = (32, 1)
    network_size = (32, 1)
    stems = ("window",)
    keeps_state = False
    # Our own: half of the series in batches of 64 for some tens of epochs.
    search_settings = SearchSettings(
        weight_learning_rate=(0.1, 0.001),
        weight_momentum=0.9,
        weight_decay=1e-5,
        clip_norm=1.0,
        unrolled_clip_norm=1.0,
        architecture_learning_rate=3e-3,
        architecture_steps=2000,
        architecture_betas=(0.9, 0.999),
        architecture_weight_decay=1e-3,
    )

    def __init__(
        self,
        scaling: Scaling,
        name: str = "forecasting",
        cell_dropout: float = 0.0,
        state_dropout: float = 0.0,
    ):
        self.name = name
        self.scaling = Scaling(*scaling)
        self._of_cells = {"dropout": cell_dropout, "recurrent_dropout": state_dropout}

    @property
    def cell_arguments(self) -> Mapping:
        return types.MappingProxyType(self._of_cells)

    def signature(self, shape):
        columns = len(self.scaling.center)
        if len(shape) != 2 or shape[1] != columns:
            raise UserError(
                f"input_shape is {tuple(shape)}; the network {self.name!r} reads windows of "
                f"{columns} columns, whose shape is (window, {columns})"
            )
        return super().signature(shape)

    def make_stem(self, channels, num_classes):
        columns = len(self.scaling.center)
        if num_classes != columns:
            raise UserError(
                f"num_classes is {num_classes}; the network {self.name!r} forecasts {columns} "
                "columns: give that number"
            )
        scaling = self.scaling
        return ScaledWindow(
            channels, scaling.transform, scaling.center, scaling.deviation, name="stem"
        )

    def parts(self, channels, cells):
        return [CellPlan(channels)] * cells

    def make_head(self, num_classes, stem):
        return ForecastHead(self.scaling.transform, self.scaling.change, name="head")

    def walk(self, layers, inputs, run):
        first = run(layers.stem, inputs)
        last = walk(layers.between, (first, first), layers.inputs, run, layers.is_cell)
        return run(layers.head, [last, inputs])
