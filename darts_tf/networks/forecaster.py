"""The network that forecasts several series, around a recurrent cell that was found or is known."""

import keras

from darts_tf import genotypes
from darts_tf.cells.recurrent.discrete import cell_of
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.common.errors import UserError
from darts_tf.costs.counted import parameters
from darts_tf.datasets import SeriesData
from darts_tf.layers.keras_settings import check_policy, inner_layers
from darts_tf.layers.series_scaling import ForecastHead, ScaledWindow
from darts_tf.networks.sizes import nearest_units

_CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
# Beyond this no network of a size is looked for.
_MOST_UNITS = 4096


def build_forecaster(
    cell,
    data: SeriesData,
    units: int = 32,
    layers: int = 1,
    *,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
) -> keras.Model:
    """A dense layer of every step of a window, recurrent layers, a dense layer of the last step.

    It is the network that a cell is searched in (`darts_tf.macros.ForecastingNetwork`), as a
    functional Keras model with new weights. The scaling of the series is inside.

    Args:
        cell: a `Genotype` of a recurrent space or the name of a published one ("RNN_DARTS_V2"), or
            "lstm" or "gru", to compare with.
        data: the series, for its columns, window and scaling.
        units: of every cell, and of the first dense layer.
        layers: number of recurrent layers.
        dropout: of the cells' inputs, the same at all steps of a window.
        recurrent_dropout: of the states inside the cells, likewise.

    Returns:
        A model from windows `[batch, window, columns]` to forecasts `[batch, columns]`, both
        float32 and in the series' own units.

    Raises:
        UserError: the cell is none, or a number is too small.
    """
    for name, value in (("units", units), ("layers", layers)):
        if value < 1:
            raise UserError(f"{name} must be at least 1, got {value}")
    rates = {"dropout": dropout, "recurrent_dropout": recurrent_dropout}
    policy, scaling = keras.config.dtype_policy(), data.scaling
    check_policy(policy)
    with inner_layers(policy):
        shape = (data.window, len(data.columns))
        windows = keras.Input(shape, dtype="float32", name="window")
        stem = ScaledWindow(
            units, scaling.transform, scaling.center, scaling.deviation, name="stem"
        )
        sequences = stem(windows)
        for _ in range(layers):
            sequences = _layer(cell, units, rates)(sequences)
        head = ForecastHead(scaling.transform, scaling.change, name="head")
        return keras.Model(windows, head([sequences, windows]), name="forecaster")


def units_of_size(cell, data: SeriesData, size: int, layers: int = 1) -> int:
    """The units with which a network has the number of parameters nearest to a given one.

    Args:
        cell, data, layers: as for `build_forecaster`.
        size: number of parameters.
    """

    def parameters_of(units):
        return parameters(build_forecaster(cell, data, units, layers))

    return nearest_units(parameters_of, size, most=_MOST_UNITS)


def _layer(cell, units, rates):
    """The recurrent layer of a name or a genotype, which returns all steps."""
    if isinstance(cell, str) and cell in _CELLS:
        return _CELLS[cell](units, **rates, return_sequences=True)
    try:
        genotype = genotypes.get(cell) if isinstance(cell, str) else cell
    except UserError as error:
        raise UserError(f"{error}, or {' or '.join(_CELLS)}") from error
    return RecurrentLayer(cell_of(genotype, units), **rates, return_sequences=True)
