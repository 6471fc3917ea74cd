"""Exports a trained network as a SavedModel, and for ONNX Runtime and LiteRT.

    python -m train.export --run_dir=EVAL --output_dir=MODEL --format=savedmodel,onnx,litert

reads the network that `python -m train.evaluate` trained and writes `MODEL/1/`, which
`python -m train.serve --model_dir=MODEL` and TensorFlow Serving's `tensorflow_model_server
--model_base_path=MODEL` (an absolute path there) load as it is. By default that is all; `onnx`
adds model.onnx, `litert` model.tflite, and --quantize=int8 or float16 a smaller one.
"""

import dataclasses
import os
from pathlib import Path

from absl import logging

from darts_tf.common import reading
from darts_tf.common.errors import UserError, reason
from train import export_formats, fields, program, stops
from train.export_formats import FormatsConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportConfig(FormatsConfig):
    """The network to export, and where to."""

    without_task = "it is that of the network in --run_dir; leave it out"

    run_dir: str | None = fields.text(
        None, "The folder that train.evaluate wrote (model.keras, data.json, genotype.json)."
    )
    output_dir: str | None = fields.text(
        None, "Where to write the export; it goes into a subfolder named by its version."
    )
    threshold: float = fields.number(
        0.5,
        "Of the task multi_label_classification: the probability from which on an answer says that "
        "a label is present.",
    )
    model_version: int = fields.integer(
        1, "The version number; servers load the highest one.", lower_bound=1
    )
    overwrite: bool = fields.switch(False, "Replace this version if it exists already.")


# How many image files of the data set the export is checked on.
_SAMPLE = 16


def main(config: ExportConfig) -> None:
    """Exports `--run_dir` to `--output_dir` and prints how far it is from the Keras model."""
    # So that the unfinished folder is removed.
    stops.raising()
    for name in ("run_dir", "output_dir"):
        if not getattr(config, name):
            raise UserError(f"--{name} is missing; give the folder; see --help")
    run_dir = Path(config.run_dir)
    if not os.path.isdir(run_dir):
        raise UserError(f"--run_dir={run_dir} is no folder; give one that train.evaluate wrote")
    export_formats.check(config)
    settings = _settings(run_dir)
    # Earlier versions knew one task.
    task = settings.get("task", "image_classification")
    others = {"language_model": _export_language_model, "forecasting": _export_forecaster}
    export = others.get(str(task))
    if task != "image_classification":
        export_formats.refuse_quantization(config, task)
    if task != "multi_label_classification":
        config.refuse_given(("threshold",), f"has no meaning for the task {task}")

    import train.startup  # noqa: F401  TensorFlow is first imported here

    from darts_tf.export.of_run import arguments_of

    arguments = arguments_of(run_dir)
    if export:
        result = export(config, run_dir, arguments)
    else:
        result = _export_images(config, run_dir, arguments, settings)
    export_formats.report(result.files)
    print(f"wrote {result.directory} ({result.size_bytes / 1e6:.1f} MB)")


def _export_images(config: ExportConfig, run_dir: Path, arguments: dict, settings: dict):
    """A network for images; `settings` are those of its training."""
    if arguments["genotype_json"] is None:
        raise UserError(
            f"{run_dir / 'genotype.json'} is missing; --run_dir must be a folder that "
            "train.evaluate wrote"
        )
    quantization = export_formats.quantization(config, settings, run_dir / "data.json")
    model = _load_model(run_dir / "model.keras")
    if "threshold" in config.given:
        arguments["task"] = dataclasses.replace(arguments["task"], threshold=config.threshold)

    from darts_tf.export.export import export_model
    from darts_tf.export.of_run import says_its_data

    _say_less()
    result = export_model(
        model,
        config.output_dir,
        **arguments,
        **_common(config),
        image_files=_sample_files(settings),
        quantization=quantization,
    )
    if not says_its_data(run_dir):
        print(
            f"note: {run_dir} does not say which data its network was trained on; the classes and "
            "the normalisation in data.json are taken for theirs"
        )
    compared = "a number" if settings.get("task") == "image_regression" else "a probability"
    print(
        f"checked the export against the Keras model on {result.checked_images} random images and "
        f"{result.checked_files} image files: largest difference of {compared} "
        f"{result.max_difference:.2g}"
    )
    if result.refused_files:
        print(
            f"{result.refused_files} of the {result.checked_files} image files are of kinds that "
            "serving_bytes refuses, because TensorFlow alone does not read them as Pillow does in "
            "training; train.serve reads them"
        )
    return result


def _say_less() -> None:
    """TensorFlow logs every step of saving; what matters is printed."""
    logging.set_verbosity(logging.WARNING)


def _common(config: ExportConfig) -> dict:
    """What every task's export is told."""
    return {
        "version": config.model_version,
        "overwrite": config.overwrite,
        "formats": config.format,
    }


def _sample_files(settings: dict) -> list[bytes]:
    """Some files of the data set that the run was trained on, where it is a folder."""
    from darts_tf.datasets import folders, labelled_folders

    try:
        path = settings["dataset"]
        if settings.get("task", "image_classification") != "image_classification":
            return labelled_folders.sample(path, _SAMPLE)
        return folders.sample(path, _SAMPLE) if os.path.isdir(path) else []
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return []  # It may have moved since, and the export can be checked without.


def _settings(run_dir: Path) -> dict:
    """The settings of the training, empty where they cannot be read."""
    try:
        settings = reading.read_json(run_dir / "config.json")
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _export_language_model(config: ExportConfig, run_dir: Path, arguments: dict):
    model = _load_model(run_dir / "model.keras")

    from darts_tf.export.language_model import export_language_model

    _say_less()
    result = export_language_model(model, config.output_dir, **arguments, **_common(config))
    print(
        "checked the export against the Keras model on random texts and on what both write: "
        f"largest difference of a probability or a state {result.max_difference:.2g}"
    )
    return result


def _export_forecaster(config: ExportConfig, run_dir: Path, arguments: dict):
    from darts_tf.export.forecaster import export_forecaster

    data = arguments["series"]
    model = _load_model(run_dir / "model.keras")
    _say_less()
    result = export_forecaster(model, config.output_dir, **arguments, **_common(config))
    print(
        f"window: {data['window']} rows of {', '.join(data['columns'])}; forecast: row "
        f"{data['horizon']} after them, in the same units"
    )
    print(
        "checked the export against the Keras model on windows near the first row: largest "
        f"difference of a forecast {result.max_difference:.2g}"
    )
    return result


def _load_model(path: Path):
    if not path.is_file():
        raise UserError(
            f"{path} is missing; --run_dir must be a folder of a train.evaluate that has finished"
        )
    import keras

    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds here, all of them about this one file.
        raise UserError(f"{path} cannot be loaded as a Keras model: {reason(error)}") from error


if __name__ == "__main__":
    program.run(main)
