"""A trained network as a SavedModel that needs no Keras and no preprocessing by its user."""

import dataclasses
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from darts_tf import files
from darts_tf.errors import UserError
from darts_tf.export_checks import check_arguments, check_replaceable

# The export runs the same kernels as the Keras model, only fused differently by the graph
# optimizer, so probabilities may differ by a few float32 roundings and not by more.
TOLERANCE = 1e-5
_CHECKED_IMAGES = 16


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What `export_model` wrote.

    Attributes:
        directory: the version folder, `MODEL/1`.
        size_bytes: the size of all its files.
        checked_images: how many random images were given to both the export and the Keras model.
        max_difference: the largest absolute difference between the two's probabilities.
    """

    directory: Path
    size_bytes: int
    checked_images: int
    max_difference: float


def export_model(
    model,
    directory,
    *,
    image_shape: Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    class_names: Sequence[str],
    genotype_json: str | None = None,
    version: int = 1,
    overwrite: bool = False,
) -> ExportResult:
    """Writes a trained network as a SavedModel with its preprocessing inside.

    The SavedModel goes to `directory/<version>/`, the layout that TensorFlow Serving expects of
    `--model_base_path=directory`. It has two signatures with a dynamic batch size B:

    *   `serving_default`: `images`, uint8 `[B, H, W, C]`.
    *   `serving_bytes`: `image_bytes`, strings `[B]`, each a PNG or JPEG file. Every image is
        converted to C channels and resized to H x W (bilinear, antialiased).

    Both return `probabilities` (float32 `[B, K]`), `class_ids` (int64 `[B]`, the most probable
    class) and `class_names` (strings `[B]`, its name). The folder also holds `assets/labels.txt`
    (one class name a line), `assets/genotype.json` and, for TensorFlow Serving, one warm-up request
    for each signature in `assets.extra/tf_serving_warmup_requests`.

    The export is loaded again and compared with `model` before it gets its final name, so a folder
    with that name is always complete and right.

    Args:
        model: a built Keras model; float32 images `[B, H, W, C]`, normalised as
            `(uint8 / 255 - mean) / std`, in; logits `[B, K]` out.
        directory: the folder that gets the version folder; made if missing.
        image_shape: `(H, W, C)` with C = 1 (grey) or 3 (RGB).
        mean: C channel means of pixels scaled to [0, 1].
        std: C channel standard deviations of pixels scaled to [0, 1]; positive.
        class_names: the K names, in the order of the logits.
        genotype_json: the text of the genotype file, or None to leave it out.
        version: the number of the version folder, at least 1.
        overwrite: replace this version if it is there already.

    Returns:
        An `ExportResult`.

    Raises:
        UserError: the arguments do not fit the model, the version exists and `overwrite` is false,
            the folder cannot be written, or the export's answers differ from the model's.
    """
    image_shape = tuple(int(size) for size in image_shape)
    class_names = tuple(str(name) for name in class_names)
    check_arguments(model, image_shape, mean, std, class_names, genotype_json, version)
    target = Path(directory) / str(version)
    if target.exists():
        check_replaceable(target, overwrite)
    made = files.missing_folders(target.parent)
    # A name without digits only: TensorFlow Serving, which may watch the folder, ignores it.
    temporary = target.parent / f".{version}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
            module = _ServingModule(model, image_shape, mean, std, class_names)
            with files.named(f"the export to {target}"):
                _save(module, temporary, class_names, genotype_json)
            difference = _max_difference(model, temporary, image_shape, mean, std)
            _install(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            files.remove_empty(made)
    except OSError as error:
        raise UserError(
            f"cannot write the export to {target}: {files.reason(error)}; choose another folder"
        ) from error
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return ExportResult(target, size, _CHECKED_IMAGES, difference)


def normalize(images, mean: Sequence[float], std: Sequence[float]) -> tf.Tensor:
    """Returns uint8 `images` `[B, H, W, C]` as float32 `(images / 255 - mean) / std`."""
    scaled = tf.cast(images, tf.float32) / 255.0
    return (scaled - tf.constant(mean, tf.float32)) / tf.constant(std, tf.float32)


class _ServingModule(tf.Module):
    """The variables of a Keras model and the two functions that are its signatures.

    Only TensorFlow variables are tracked, never Keras objects, which is why the SavedModel loads
    where Keras is not installed.
    """

    def __init__(self, model, image_shape, mean, std, class_names):
        super().__init__()
        self.model_variables = [variable.value for variable in model.variables]
        height, width, channels = image_shape

        def predict(images):
            logits = model(normalize(images, mean, std), training=False)
            # Softmax in float32 also for a model that computes in float16 or bfloat16.
            probabilities = tf.nn.softmax(tf.cast(logits, tf.float32))
            class_ids = tf.argmax(probabilities, axis=-1, output_type=tf.int64)
            return {
                "probabilities": probabilities,
                "class_ids": class_ids,
                "class_names": tf.gather(tf.constant(class_names), class_ids),
            }

        def decode(encoded):
            image = tf.io.decode_image(encoded, channels=channels, expand_animations=False)
            image.set_shape([None, None, channels])
            image = tf.image.resize(image, [height, width], method="bilinear", antialias=True)
            # Back to uint8, so that both signatures take exactly the same path from here on.
            return tf.saturate_cast(tf.round(image), tf.uint8)

        self.predict = tf.function(
            predict,
            input_signature=[tf.TensorSpec([None, *image_shape], tf.uint8, name="images")],
        )

        def predict_bytes(image_bytes):
            image_spec = tf.TensorSpec([height, width, channels], tf.uint8)
            # The traced function, so that the network is in the graph once, not twice.
            return self.predict(tf.map_fn(decode, image_bytes, fn_output_signature=image_spec))

        self.predict_bytes = tf.function(
            predict_bytes, input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")]
        )


def _save(module, directory, class_names, genotype_json) -> None:
    assets = {"labels.txt": "".join(f"{name}\n" for name in class_names)}
    if genotype_json is not None:
        assets["genotype.json"] = genotype_json
    sources = directory / "asset_sources"
    sources.mkdir()
    module.assets = []
    for name, text in assets.items():
        (sources / name).write_text(text, encoding="utf-8")
        module.assets.append(tf.saved_model.Asset(str(sources / name)))
    signatures = {"serving_default": module.predict, "serving_bytes": module.predict_bytes}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    shutil.rmtree(sources)
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


def _max_difference(model, directory, image_shape, mean, std) -> float:
    """Compares the SavedModel with the Keras model on random images."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, [_CHECKED_IMAGES, *image_shape], dtype=np.uint8)
    logits = model(normalize(images, mean, std), training=False)
    expected = tf.nn.softmax(tf.cast(logits, tf.float32)).numpy()
    loaded = tf.saved_model.load(str(directory))
    answer = loaded.signatures["serving_default"](images=tf.constant(images))
    if not np.all(np.isfinite(expected)):
        raise UserError(
            "the model's probabilities are not finite (NaN) for random images; "
            "nothing was exported; train it again, for example with a smaller learning rate"
        )
    difference = float(np.max(np.abs(answer["probabilities"].numpy() - expected)))
    if not difference <= TOLERANCE:
        raise UserError(
            f"the export's probabilities differ from the Keras model's by {difference:.2g} "
            f"(allowed: {TOLERANCE:g}); nothing was exported; does a layer behave differently "
            "inside a tf.function?"
        )
    return difference


def _install(temporary, target) -> None:
    """Gives the finished folder its name; an older version leaves only once it is complete."""
    if not target.exists():
        os.rename(temporary, target)
        return
    replaced = temporary.with_suffix(".old")
    os.rename(target, replaced)
    try:
        os.rename(temporary, target)
    except OSError:
        os.rename(replaced, target)
        raise
    shutil.rmtree(replaced)
