"""A trained network as files that need no Keras and no preprocessing by their user."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import image_graph
from darts_tf.export.answers import Answers
from darts_tf.export.checks import check_arguments, check_quantization
from darts_tf.export.comparison import (
    CHECKED_IMAGES,
    TOLERANCE,
    Comparison,
    Preprocessing,
    compare,
    normalize,
)
from darts_tf.export.formats import SAVED_MODEL, Quantization, check_formats
from darts_tf.export.image_formats import ImageFiles
from darts_tf.export.of_run import arguments_of
from darts_tf.export.other_files import ExportedFile
from darts_tf.export.readme import README, explanation
from darts_tf.export.writing import assets, write_texts, write_version
from darts_tf.tasks import ImageClassification, ImageRegression, MultiLabelClassification, Task

__all__ = ["TOLERANCE", "ExportResult", "export_model", "normalize"]


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """The result of `export_model`.

    Attributes:
        directory: the version folder, `MODEL/1`.
        size_bytes: the size of all its files.
        checked_images: how many random images were given to both the export and the Keras model.
        checked_files: how many image files were given to both.
        refused_files: how many of these `serving_bytes` refused.
        max_difference: the largest absolute difference between the two's probabilities, of the
            SavedModel or, without one, of the first of the files. For numbers it is relative where
            they are above 1.
        files: what there is beside a SavedModel.
    """

    directory: Path
    size_bytes: int
    checked_images: int
    checked_files: int
    refused_files: int
    max_difference: float
    files: tuple[ExportedFile, ...] = ()


def export_model(
    model,
    directory,
    *,
    run_dir=None,
    task: Task | None = None,
    image_shape: Sequence[int] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    class_names: Sequence[str] | None = None,
    genotype_json: str | None = None,
    bit_depth: int | None = None,
    upright: bool = True,
    crop: float | None = None,
    image_files: Sequence[bytes] = (),
    version: int = 1,
    overwrite: bool = False,
    formats: Sequence[str] = (SAVED_MODEL,),
    quantization: Quantization | None = None,
) -> ExportResult:
    """Writes a trained network as a SavedModel, or in other formats, with its preprocessing inside.

    The SavedModel goes to `directory/<version>/`, the layout that TensorFlow Serving expects of
    `--model_base_path=directory`. It has two signatures with a dynamic batch size B:

    *   `serving_default`: `images`, uint8 `[B, H, W, C]`.
    *   `serving_bytes`: `image_bytes`, strings `[B]`, each a PNG, JPEG, BMP or GIF file. Every
        image becomes exactly the pixels that `darts_tf.datasets.image_files` makes of it, or is
        refused; see `darts_tf.datasets.image_graph`.

    Both return `probabilities` (float32 `[B, K]`), `class_ids` (int64 `[B]`, the most probable
    class) and `class_names` (strings `[B]`, its name); of several labels `probabilities`, `present`
    (int64 `[B, K]`, 1 from the threshold on) and `names` (strings `[B, K]`, of all labels); of
    numbers `values` (float32 `[B, K]`, in the data's units) and `names`. The folder also holds
    `assets/labels.txt` (a name a line), `assets/genotype.json`, `assets/preprocessing.json`, from
    which `darts_tf.serving` knows how files are decoded, and, for TensorFlow Serving, one warm-up
    request for each signature in `assets.extra/tf_serving_warmup_requests`.

    The formats "onnx" and "litert" are one file each in the same folder, `model.onnx` and
    `model.tflite`, with inputs and answers as `serving_default` has them; a quantization writes a
    second LiteRT file, such as `model_int8.tflite`. They need `requirements-export.txt`.

    All are loaded again, each by its own runtime, and compared with `model` before the folder gets
    its final name, so a folder with that name is always complete and right.

    Args:
        model: a built Keras model; float32 images `[B, H, W, C]`, normalised as
            `(uint8 / 255 - mean) / std`, in; logits `[B, K]` out.
        directory: the folder that gets the version folder; made if missing.
        run_dir: the folder of the training, such as `train.evaluate` writes. With it, what is not
            given of the following is that of the run; see `arguments_of`.
        image_shape: `(H, W, C)` with C = 1 (grey) or 3 (RGB).
        task: `ImageClassification`, the default, `MultiLabelClassification` or `ImageRegression`,
            whose `answers` are those of the export.
        mean: C channel means of pixels scaled to [0, 1].
        std: C channel standard deviations of pixels scaled to [0, 1]; positive.
        class_names: the K names of classes, labels or columns, in the order of the outputs.
        genotype_json: the text of the genotype file, or None to leave it out.
        bit_depth: how many bits are used of images with 16 bits a channel, as
            `ImageData.bit_depth` says; with None such files are refused.
        upright: whether cameras' marks are followed, as data sets do now; networks of before were
            trained on images as they are stored.
        crop: what share of an image file is seen, `ImageData.evaluation_crop`: what was measured
            in the test is what the export does. None for all of it.
        image_files: the bytes of image files to compare the two on; by default some are made up.
        version: the number of the version folder, at least 1.
        overwrite: replace this version if it is there already.
        formats: one or several of "savedmodel", "onnx" and "litert".
        quantization: of the second LiteRT file; None for none.

    Returns:
        An `ExportResult`.

    Raises:
        UserError: the arguments do not fit the model, the packages of a format are missing or it
            does not know an operation of the model, the version exists and `overwrite` is false,
            the folder cannot be written, or the export's answers differ from the model's.
    """
    given = {
        **{"image_shape": image_shape, "mean": mean, "std": std, "class_names": class_names},
        **{"genotype_json": genotype_json, "bit_depth": bit_depth, "task": task, "crop": crop},
    }
    if run_dir is not None:
        given, as_trained = _completed(given, run_dir)
        upright = upright and as_trained
    if any(given[name] is None for name in ("image_shape", "mean", "std", "class_names")):
        raise UserError(
            "an export holds the preprocessing and the names of the classes: give run_dir, the "
            "folder of the training, or image_shape, mean, std and class_names"
        )
    image_shape = tuple(int(size) for size in given["image_shape"])
    class_names = tuple(str(name) for name in given["class_names"])
    genotype_json = given["genotype_json"]
    preprocessing = Preprocessing(
        *(image_shape, tuple(given["mean"]), tuple(given["std"]), given["bit_depth"], upright),
        Answers(_checked(given["task"]), class_names),
        given["crop"],
    )
    check_arguments(model, preprocessing, class_names, genotype_json, version)
    check_formats(formats, quantization and quantization.kind)
    check_quantization(quantization, image_shape)

    def write(folder) -> tuple[Comparison | None, tuple[ExportedFile, ...]]:
        module = _ServingModule(model, preprocessing)
        texts = _assets(preprocessing, class_names, genotype_json)
        found = None
        if SAVED_MODEL in formats:
            _save(module, folder, texts)
            found = compare(model, folder, preprocessing, image_files)
        else:
            write_texts(folder / "assets", texts)
        images = ImageFiles(model, module.predict, preprocessing)
        files = images.write(folder, formats, quantization)
        write_texts(folder, {README: explanation(folder)})
        return found, files

    written = write_version(directory, version, overwrite, write)
    found, files = written.found
    if found is None:
        found = Comparison(CHECKED_IMAGES, 0, 0, files[0].max_difference)
    return ExportResult(
        written.directory,
        written.size_bytes,
        found.images,
        found.files,
        found.refused,
        found.max_difference,
        files,
    )


def _completed(given: dict, run_dir) -> tuple[dict, bool]:
    """What is not given is that of a run; and whether its images were turned upright."""
    known = arguments_of(run_dir)
    if "image_shape" not in known:
        raise UserError(f"{run_dir} holds no network for images; see export.arguments_of")
    completed = {name: known[name] if value is None else value for name, value in given.items()}
    return completed, known["upright"]


def _checked(task: Task | None) -> Task:
    """The task, where its answers are known; the classification of images by default."""
    task = ImageClassification() if task is None else task
    if not isinstance(task, ImageClassification | MultiLabelClassification | ImageRegression):
        raise UserError(
            f"the task is {task!r:.60}; expected one of ImageClassification, "
            "MultiLabelClassification and ImageRegression; export_network takes any"
        )
    return task


class _ServingModule(tf.Module):
    """The variables of a Keras model and the two functions that are its signatures.

    Only TensorFlow variables are tracked, never Keras objects, which is why the SavedModel loads
    where Keras is not installed.
    """

    def __init__(self, model, preprocessing):
        super().__init__()
        self.model_variables = [variable.value for variable in model.variables]
        image_shape = preprocessing.image_shape
        read = image_graph.reader(
            image_shape, preprocessing.bit_depth, preprocessing.upright, preprocessing.crop
        )

        def predict(images):
            images = normalize(images, preprocessing.mean, preprocessing.std)
            return preprocessing.answers.of(model(images, training=False))

        self.predict = tf.function(
            predict,
            input_signature=[tf.TensorSpec([None, *image_shape], tf.uint8, name="images")],
        )

        def predict_bytes(image_bytes):
            image_spec = tf.TensorSpec(image_shape, tf.uint8)
            # The traced function, so that the network is in the graph once, not twice.
            return self.predict(tf.map_fn(read, image_bytes, fn_output_signature=image_spec))

        self.predict_bytes = tf.function(
            predict_bytes, input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")]
        )


def _assets(preprocessing, class_names, genotype_json) -> dict[str, str | None]:
    described = {
        "image_shape": preprocessing.image_shape,
        "bit_depth": preprocessing.bit_depth,
        "upright": preprocessing.upright,
        "crop": preprocessing.crop,
        "task": preprocessing.answers.task.name,
    }
    return {
        "labels.txt": "".join(f"{name}\n" for name in class_names),
        "preprocessing.json": json.dumps(described),
        "genotype.json": genotype_json,
    }


def _save(module, directory, texts) -> None:
    signatures = {"serving_default": module.predict, "serving_bytes": module.predict_bytes}
    with assets(directory, texts) as kept:
        module.assets = kept
        tf.saved_model.save(module, str(directory), signatures=signatures)
    _write_warmup_requests(directory, module.predict.input_signature[0].shape[1:])


def _write_warmup_requests(directory, image_shape) -> None:
    """Writes one request a signature, which TensorFlow Serving runs before it says it is ready."""
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError as error:
        raise UserError(
            "the package tensorflow-serving-api, which writes the warm-up requests, is missing; "
            "install it with: pip install tensorflow-serving-api"
        ) from error
    image = tf.zeros(image_shape, tf.uint8)
    inputs = {
        "serving_default": ("images", image[tf.newaxis]),
        "serving_bytes": ("image_bytes", tf.io.encode_png(image)[tf.newaxis]),
    }
    extra = directory / "assets.extra"
    extra.mkdir()
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        for signature, (name, tensor) in inputs.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = signature
            request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())
