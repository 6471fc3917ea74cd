"""Arguments of an export that the folder of a training knows."""

import os
import pathlib

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.datasets import fingerprint, image_data, series_data, text_data
from darts_tf.datasets.source import LABELS, NUMBERS
from darts_tf.tasks import ImageClassification, ImageRegression, MultiLabelClassification, Task

_IMAGES = "image_classification"
_OF_IMAGES = (_IMAGES, "multi_label_classification", "image_regression")


def arguments_of(run_dir) -> dict:
    """The arguments of the function that exports the network of a training.

    Args:
        run_dir: the folder that `train.evaluate` wrote, or `train.tune`: its data.json,
            config.json, genotype.json and, where it has finished, result.json are read.

    Returns:
        For images those of `export_model`: `image_shape`, `mean`, `std`, `class_names`,
        `bit_depth`, `upright`, `task`, `crop` and `genotype_json`. For a text those of
        `export_language_model`: `vocabulary`, `unit` and `genotype_json`. For a series those of
        `export_forecaster`: `series` and `genotype_json`.

    Raises:
        UserError: it is no such folder, or its data.json is not that of its training.

    Example:
        >>> export.export_language_model(model, "MODEL", **export.arguments_of("EVAL"))
    """
    run_dir = pathlib.Path(run_dir)
    # Earlier versions knew one task.
    task = _object(run_dir / "config.json", missing={}).get("task", _IMAGES)
    kinds = {
        **dict.fromkeys(_OF_IMAGES, _of_images),
        "language_model": _of_text,
        "forecasting": _of_series,
    }
    if not isinstance(task, str) or task not in kinds:
        raise UserError(
            f"{run_dir} holds a network for the task {task!r:.60}; of {', '.join(kinds)} the "
            "arguments are known, for another one give export_network its task"
        )
    found, digest = kinds[task](run_dir / "data.json")
    if _trained_on(run_dir) not in (None, digest):
        raise UserError(
            f"{run_dir / 'data.json'} is not the one of the training: it has changed since, or the "
            "network is another one's. Bring it back, or train again in another folder"
        )
    genotype = run_dir / "genotype.json"
    return {**found, "genotype_json": _text(genotype) if genotype.exists() else None}


def says_its_data(run_dir) -> bool:
    """Whether a training's folder says which data it was; those of earlier versions do not.

    Raises:
        UserError: its result.json is damaged.
    """
    return _trained_on(pathlib.Path(run_dir)) is not None


def _trained_on(run_dir) -> str | None:
    return _object(run_dir / "result.json", missing={}).get("data_sha256")


def _of_images(path) -> tuple[dict, str]:
    data = image_data.load_description(path)
    names = ("image_shape", "mean", "std", "class_names", "bit_depth")
    # A run from before there was that key was trained on images as they are stored.
    upright = "bit_depth" in _object(path)
    found = {name: data[name] for name in names} | {"upright": upright, "task": _task(data)}
    found["crop"] = data.get("evaluation_crop")
    return found, fingerprint.digest(data)


def _task(data) -> Task:
    """The task of images by what they are labelled with."""
    kind = data.get("kind")
    if kind == LABELS:
        return MultiLabelClassification(len(data["class_names"]))
    if kind == NUMBERS:
        return ImageRegression(data["means"], data["deviations"])
    return ImageClassification()


def _of_text(path) -> tuple[dict, str]:
    data = text_data.load_description(path)
    return {name: data[name] for name in ("vocabulary", "unit")}, text_data.digest(data)


def _of_series(path) -> tuple[dict, str]:
    data = series_data.load_description(path)
    return {"series": data}, series_data.digest(data)


def _object(path, missing=None) -> dict:
    """The object in a JSON file, or what stands for one that is missing."""
    if missing is not None and not os.path.exists(path):
        return missing
    try:
        content = reading.parse_json(_text(path))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged: expected a JSON object")
    return content


def _text(path) -> str:
    try:
        return reading.read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
