"""Files in a request are decoded as the files of a data set are."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from darts_tf.datasets import image_files
from darts_tf.export.export import export_model
from darts_tf.serving.errors import RequestError
from darts_tf.serving.model import ServedModel
from tests.datasets import image_kinds
from tests.serving import tiny_network


@pytest.fixture(scope="module")
def network():
    return tiny_network.build()


@pytest.fixture(scope="module")
def directory(network, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "model"
    export_model(network, directory, **tiny_network.arguments(), bit_depth=12)
    return directory


@pytest.fixture(scope="module")
def model(directory):
    return ServedModel(directory, "tiny")


@pytest.fixture(scope="module")
def old_model(directory, tmp_path_factory):
    """An export as it was before it told how files are decoded."""
    old = tmp_path_factory.mktemp("old") / "model"
    shutil.copytree(directory, old)
    (old / "1" / "assets" / "preprocessing.json").unlink()
    return ServedModel(old, "tiny")


def answer(model, *files):
    return model.predict("serving_bytes", {"image_bytes": np.array([*files, None], object)[:-1]})


def expected(network, encoded, **options):
    pixels = image_files.read(encoded, (8, 8, 1), **options)
    return tiny_network.expected_probabilities(network, pixels[np.newaxis])


def files():
    kinds = ["AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TGA", "TIFF", "WEBP"]
    for kind, mode, _, encoded in image_kinds.written_by_pillow(kinds, sizes=[(13, 22)]):
        if mode in ("L", "P", "RGB", "RGBA", "CMYK"):
            yield f"{kind} {mode}", encoded


def test_types_of_files(network, model):
    names, encoded = zip(*files(), strict=True)
    assert len(encoded) > 50 and {"TIFF CMYK", "JPEG CMYK", "WEBP RGBA"} < set(names)
    found = answer(model, *encoded)["probabilities"]
    wanted = np.concatenate([expected(network, file) for file in encoded])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_twelve_of_sixteen_bits(network, model):
    values = np.random.default_rng(0).integers(0, 4096, (9, 9), dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        encoded = image_kinds.encode(Image.fromarray(values), kind)
        wanted = expected(network, encoded, bit_depth=12)
        np.testing.assert_allclose(answer(model, encoded)["probabilities"], wanted, atol=1e-6)
    values[0, 0] = 4096
    with pytest.raises(RequestError, match="image 1 cannot be read: it holds the value 4096"):
        answer(model, encoded, image_kinds.encode(Image.fromarray(values), "PNG"))


def test_an_export_of_before_answers_as_its_data_sets_were_read(network, model, old_model):
    turned = Image.Exif()
    turned[0x0112] = 6
    image = image_kinds.picture("RGBA", (13, 22))
    encoded = image_kinds.encode(image, "PNG", exif=turned)
    followed = expected(network, encoded)
    ignored = expected(network, encoded, upright=False)
    assert np.abs(followed - ignored).max() > 0.01
    np.testing.assert_allclose(answer(model, encoded)["probabilities"], followed, atol=1e-6)
    np.testing.assert_allclose(answer(old_model, encoded)["probabilities"], ignored, atol=1e-6)
    deep = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(deep, "PNG")
    with pytest.raises(RequestError, match="16 bits a channel, but the network was trained"):
        answer(old_model, deep.getvalue())
