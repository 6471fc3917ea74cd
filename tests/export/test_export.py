import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2

from darts_tf import export
from darts_tf.datasets import image_files
from tests.serving import tiny_network

WITHOUT_KERAS = """
import sys
sys.modules["keras"] = None
import numpy as np
import tensorflow as tf
directory, data = sys.argv[1:]
arrays = dict(np.load(data, allow_pickle=True))
loaded = tf.saved_model.load(directory)
out = {}
for count in (1, 5):
    answer = loaded.signatures["serving_default"](images=tf.constant(arrays["images"][:count]))
    out[f"images{count}"] = answer["probabilities"].numpy()
    encoded = tf.constant(arrays["files"][:count], tf.string)
    answer = loaded.signatures["serving_bytes"](image_bytes=encoded)
    out[f"bytes{count}"] = answer["probabilities"].numpy()
out["class_ids"] = answer["class_ids"].numpy()
np.savez(data, **out)
assert not [name for name in sys.modules if name.startswith("keras.")]
"""


@pytest.fixture(scope="module")
def network():
    return tiny_network.build()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "model"
    return export.export_model(network, directory, **tiny_network.arguments())


@pytest.fixture(scope="module")
def signatures(exported):
    loaded = tf.saved_model.load(str(exported.directory))
    yield loaded.signatures  # Not return: `loaded` owns the variables and must stay.


def predict(signatures, images):
    return signatures["serving_default"](images=tf.constant(images))


def predict_files(signatures, *files):
    return signatures["serving_bytes"](image_bytes=tf.constant(files))


def test_result(exported):
    assert exported.directory.name == "1"
    assert exported.checked_images == 16
    assert exported.checked_files == 8 and exported.refused_files == 0
    assert exported.max_difference < 1e-6
    files = [path for path in exported.directory.rglob("*") if path.is_file()]
    assert exported.size_bytes == sum(os.path.getsize(path) for path in files)
    assert [path.name for path in exported.directory.parent.iterdir()] == ["1"]


def test_equals_the_keras_model_in_a_process_without_keras(network, exported, tmp_path):
    images = tiny_network.random_images(5)
    files = np.array([tiny_network.encode(image) for image in images], object)
    data = tmp_path / "data.npz"
    np.savez(data, images=images, files=files)
    subprocess.run(
        [sys.executable, "-c", WITHOUT_KERAS, str(exported.directory), str(data)], check=True
    )
    found = np.load(data)
    expected = tiny_network.expected_probabilities(network, images)
    assert np.ptp(expected) > 0.3  # Or equality below would show little.
    for count in (1, 5):
        np.testing.assert_allclose(found[f"images{count}"], expected[:count], atol=1e-6)
        np.testing.assert_array_equal(found[f"bytes{count}"], found[f"images{count}"])
    np.testing.assert_array_equal(found["class_ids"], expected.argmax(axis=1))


def test_signatures(signatures):
    assert set(signatures) == {"serving_default", "serving_bytes"}
    (images,) = signatures["serving_default"].structured_input_signature[1].items()
    assert images[0] == "images"
    assert images[1].dtype == tf.uint8
    assert images[1].shape.as_list() == [None, 8, 8, 1]
    for signature in signatures.values():
        outputs = signature.structured_outputs
        assert {name: spec.dtype for name, spec in outputs.items()} == {
            "probabilities": tf.float32,
            "class_ids": tf.int64,
            "class_names": tf.string,
        }
        assert outputs["probabilities"].shape.as_list() == [None, 4]
        assert outputs["class_ids"].shape.as_list() == [None]


def test_probabilities_sum_to_one_and_names_follow_ids(signatures):
    answer = predict(signatures, tiny_network.random_images(20))
    np.testing.assert_allclose(tf.reduce_sum(answer["probabilities"], axis=1), 1, atol=1e-6)
    ids = answer["class_ids"].numpy()
    assert len(set(ids)) > 1
    names = [name.decode() for name in answer["class_names"].numpy()]
    assert names == [tiny_network.CLASS_NAMES[index] for index in ids]


def test_floats_are_refused(signatures):
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)):
        signatures["serving_default"](images=tf.zeros([1, 8, 8, 1], tf.float32))


def test_a_larger_image_is_resized_as_pillow_does_it(signatures):
    ramp = np.add.outer(np.arange(40) * 4, np.arange(24) * 3)[..., None].astype(np.uint8)
    # Pillow's bilinear filter is antialiased when it makes an image smaller.
    small = Image.fromarray(ramp[..., 0]).resize((8, 8), Image.Resampling.BILINEAR)
    expected = predict(signatures, np.asarray(small)[None, ..., None])["probabilities"]
    found = predict_files(signatures, tiny_network.encode(ramp))["probabilities"]
    np.testing.assert_array_equal(found, expected)
    corner = predict(signatures, ramp[None, :8, :8])["probabilities"]
    assert np.max(np.abs(corner - found)) > 0.1  # Cropping instead would be seen.


def test_black_icons_on_transparent_ground(signatures):
    # All of their colours are black: what they show is in alpha alone.
    icons = np.zeros([2, 16, 16, 4], np.uint8)
    icons[0, 2:14, 6:10, 3] = 255
    icons[1, 6:10, 2:14, 3] = 128
    seen = 255 - icons[..., 3:].reshape(2, 8, 2, 8, 2, 1)[:, :, 0, :, 0]
    assert seen.min() == 0 and seen[1].min() == 127
    sharp = icons[:, ::2, ::2]
    expected = predict(signatures, seen)["probabilities"].numpy()
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    files = [tiny_network.encode(icon) for icon in sharp]
    found = predict_files(signatures, *files)["probabilities"]
    np.testing.assert_array_equal(found, expected)


def test_a_turned_photo(signatures):
    image = tiny_network.random_images(1)[0]
    turned = Image.Exif()
    turned[0x0112] = 6
    for kind in ("PNG", "JPEG"):
        encoded = tiny_network.encode(image, kind, exif=turned)
        with Image.open(io.BytesIO(encoded)) as picture:
            upright = np.rot90(np.asarray(picture), -1)[np.newaxis, ..., np.newaxis]
        expected = predict(signatures, upright.copy())["probabilities"]
        found = predict_files(signatures, encoded)["probabilities"]
        np.testing.assert_array_equal(found, expected)


def test_files_that_tensorflow_reads_otherwise_are_refused(signatures):
    image = tiny_network.random_images(1, channels=3)[0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="it is no PNG, JPEG, BMP or GIF"):
        predict_files(signatures, tiny_network.encode(image), tiny_network.encode(image, "WEBP"))


def test_a_smaller_image_of_one_colour_stays_of_that_colour(signatures):
    tiny = np.full([3, 2, 1], 150, np.uint8)
    expected = predict(signatures, np.full([1, 8, 8, 1], 150, np.uint8))
    found = predict_files(signatures, tiny_network.encode(tiny))
    np.testing.assert_array_equal(found["probabilities"], expected["probabilities"])


def test_colour_and_jpeg_files_to_a_grey_network(signatures):
    image = tiny_network.random_images(1)[0]
    expected = predict(signatures, image[None])["probabilities"]
    colour = tiny_network.encode(np.repeat(image, 3, axis=2))
    found = predict_files(signatures, colour)["probabilities"]
    np.testing.assert_array_equal(found, expected)
    jpeg = tiny_network.encode(image, "JPEG", quality=100)
    found = predict_files(signatures, jpeg, colour)["probabilities"]
    np.testing.assert_allclose(found, tf.repeat(expected, 2, axis=0), atol=0.05)
    photo = tiny_network.encode(tiny_network.random_images(1, 3, 20)[0], "JPEG")
    pixels = image_files.read(photo, (8, 8, 1))
    expected = predict(signatures, pixels[np.newaxis])["probabilities"]
    np.testing.assert_array_equal(predict_files(signatures, photo)["probabilities"], expected)


def test_grey_files_to_a_colour_network(tmp_path):
    network = tiny_network.build(channels=3)
    result = export.export_model(network, tmp_path, **tiny_network.arguments(channels=3))
    loaded = tf.saved_model.load(str(result.directory))
    grey = tiny_network.random_images(1)
    colour = tiny_network.random_images(1, channels=3)
    files = [tiny_network.encode(grey[0]), tiny_network.encode(colour[0])]
    found = predict_files(loaded.signatures, *files)["probabilities"]
    images = np.concatenate([np.repeat(grey, 3, axis=3), colour])
    expected = tiny_network.expected_probabilities(network, images)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_assets(exported):
    labels = (exported.directory / "assets" / "labels.txt").read_text(encoding="utf-8")
    assert labels == "".join(f"{name}\n" for name in tiny_network.CLASS_NAMES)
    genotype = json.loads((exported.directory / "assets" / "genotype.json").read_text())
    assert genotype == tiny_network.GENOTYPE
    preprocessing = json.loads((exported.directory / "assets" / "preprocessing.json").read_text())
    expected = {"image_shape": [8, 8, 1], "bit_depth": None, "upright": True, "crop": None}
    assert preprocessing == {**expected, "task": "image_classification"}


def test_warmup_requests_fit_the_signatures(exported, signatures):
    path = exported.directory / "assets.extra" / "tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    seen = set()
    for record in records:
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        feed = {name: tf.constant(tf.make_ndarray(p)) for name, p in request.inputs.items()}
        answer = signatures[request.model_spec.signature_name](**feed)
        assert answer["probabilities"].shape == [1, 4]
        seen.add(request.model_spec.signature_name)
    assert seen == {"serving_default", "serving_bytes"}
