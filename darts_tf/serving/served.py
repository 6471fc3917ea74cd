"""The class of a served model by what its export holds."""

from darts_tf.serving import versions
from darts_tf.serving.forecast_model import ServedForecasts
from darts_tf.serving.loaded_model import LoadedModel
from darts_tf.serving.model import ServedModel
from darts_tf.serving.text_model import ServedTexts

# What an export of another task than images holds.
_ASSETS = {"text.json": ServedTexts, "series.json": ServedForecasts}


def load(directory, name: str) -> LoadedModel:
    """The newest version of a model that `python -m train.export` wrote.

    Args:
        directory: the folder given to the export, or one of its version folders.
        name: the model's name in addresses.

    Raises:
        UserError: `directory` is missing or is no such export.
    """
    folder, _ = versions.find(directory)
    for asset, kind in _ASSETS.items():
        if (folder / "assets" / asset).exists():
            return kind(directory, name)
    return ServedModel(directory, name)
