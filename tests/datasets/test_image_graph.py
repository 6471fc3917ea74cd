"""The graph gives the very pixels that training sees, or refuses."""

import collections
import functools
import random

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from darts_tf.datasets import image_files, image_graph, pixels
from tests.datasets import image_kinds

REFUSAL = "this file is not read by TensorFlow alone as it was in training: "
READ_BY_TENSORFLOW = ("BMP", "GIF", "JPEG", "MPO", "PNG")
REFUSED = "refused"


@functools.cache
def graph(channels, bit_depth=16):
    read = image_graph.reader((9, 12, channels), bit_depth)
    return tf.function(read, input_signature=[tf.TensorSpec([], tf.string)])


def compared(encoded, channels=3, bit_depth=16):
    """Asserts that both ways agree; returns the pixels, or why the graph refuses."""
    try:
        expected = image_files.read(encoded, (9, 12, channels), bit_depth)
    except image_files.ImageError:
        expected = None
    try:
        found = graph(channels, bit_depth)(tf.constant(encoded)).numpy()
    except tf.errors.InvalidArgumentError as error:
        lines = [line for line in str(error).splitlines() if REFUSAL in line]
        return lines[0].split(REFUSAL)[1] if lines else "damaged"
    assert expected is not None
    np.testing.assert_array_equal(found, expected)
    return found


def test_every_file_that_pillow_writes_and_tensorflow_reads():
    answered = collections.defaultdict(set)
    for kind, mode, _, encoded in image_kinds.written_by_pillow(READ_BY_TENSORFLOW):
        found = compared(encoded)
        answered[kind, mode].add(found if isinstance(found, str) else "")
    refused = {key: reasons - {""} for key, reasons in answered.items() if reasons != {""}}
    assert len(answered) == 31
    palette = {"it is a BMP file with a palette or of a rare kind]"}
    four = {"it is a JPEG file with four colours (CMYK)]"}
    assert refused == {
        ("BMP", "1"): palette,
        ("BMP", "P"): palette,
        ("GIF", "RGBA"): {"it is a GIF file with transparency, or of a rare kind]"},
        ("JPEG", "CMYK"): four,
        ("MPO", "CMYK"): four,
    }


@pytest.mark.parametrize("kind", sorted(set(image_kinds.kinds()) - set(READ_BY_TENSORFLOW)))
def test_other_formats_are_refused(kind):
    files = image_kinds.written_by_pillow([kind], sizes=[(13, 22)])
    encoded = next(encoded for _, mode, _, encoded in files if mode != "F")
    assert compared(encoded) == "it is no PNG, JPEG, BMP or GIF file]"


def test_a_grey_network():
    for mode in ("L", "LA", "RGB", "RGBA"):
        encoded = image_kinds.encode(image_kinds.picture(mode, (13, 22)), "PNG")
        assert compared(encoded, 1, 12).any()
    encoded = image_kinds.encode(image_kinds.picture("RGB", (13, 22)), "JPEG")
    assert compared(encoded, 1, 12).shape == (9, 12, 1)


def test_transparent_colours():
    answers = [
        (kind, isinstance(compared(encoded), str))
        for kind, _, encoded in image_kinds.transparent_colours()
    ]
    assert {kind for kind, refused in answers if refused} == {"GIF"}
    assert [kind for kind, _ in answers].count("PNG") == 5


@pytest.mark.parametrize("colour", [0, 2, 3, 4, 6])
@pytest.mark.parametrize("transparent", [False, True])
def test_pngs_of_every_depth(colour, transparent):
    depths = {0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(colour, (8, 16))
    for depth in depths:
        encoded = image_kinds.png(depth, colour, (13, 22), transparent and colour < 4)
        assert isinstance(compared(encoded), np.ndarray)


def test_twelve_of_sixteen_bits():
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    assert compared(image_kinds.encode(Image.fromarray(values), "PNG"), 1, 12).max() == 240
    values[5, 5] = 4096
    above = compared(image_kinds.encode(Image.fromarray(values), "PNG"), 1, 12)
    assert above.startswith("it holds values above those of the 12 bits")
    with pytest.raises(tf.errors.InvalidArgumentError, match="was trained on images of 8"):
        encoded = image_kinds.encode(Image.fromarray(values), "PNG")
        image_graph.reader((9, 12, 1))(tf.constant(encoded))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("big", [False, True])
def test_cameras_marks(kind, big):
    encoded = image_kinds.encode(image_kinds.picture("RGB", (13, 22)), kind)
    upright = compared(encoded)
    changed = []
    for mark in range(10):
        found = compared(image_kinds.with_exif(encoded, image_kinds.exif(mark, big)))
        changed.append(not np.array_equal(found, upright))
    assert changed == [False, False, *[True] * 7, False]


def test_marks_may_be_ignored():
    encoded = image_kinds.encode(image_kinds.picture("RGB", (13, 22)), "PNG")
    marked = tf.constant(image_kinds.with_exif(encoded, image_kinds.exif(6)))
    found = image_graph.reader((9, 12, 3), upright=False)(marked)
    np.testing.assert_array_equal(found, image_files.read(encoded, (9, 12, 3)))


def test_damaged_marks():
    generator = random.Random(3)
    encoded = image_kinds.encode(image_kinds.picture("L", (13, 22)), "PNG")
    for _ in range(60):
        exif = bytearray(image_kinds.exif(6, generator.random() < 0.5))
        for _ in range(generator.randint(1, 3)):
            exif[generator.randrange(len(exif))] = generator.randrange(256)
        cut = bytes(exif[: generator.randint(0, 2 * len(exif))])
        compared(image_kinds.with_exif(encoded, generator.choice([b"", b"Exif\0\0"]) + cut))


def test_marks_in_several_parts():
    encoded = image_kinds.encode(image_kinds.picture("RGB", (13, 22)), "JPEG")
    whole = image_kinds.exif(6)
    turned = compared(image_kinds.with_exif(encoded, whole))
    more = image_kinds.with_exif(image_kinds.with_exif(encoded, b"more"), whole)
    np.testing.assert_array_equal(compared(more), turned)
    cut = image_kinds.with_exif(image_kinds.with_exif(encoded, whole[20:]), whole[:20])
    assert compared(cut) == "its EXIF data is in several parts]"


@pytest.mark.parametrize("size", [(32, 32), (7, 19), (64, 10)])
def test_resizing_equals_pillow_to_the_last_bit(size):
    resize = tf.function(
        lambda image: image_graph.resize(image, size),
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
    )
    generator = np.random.default_rng(2)
    sizes = [
        (1, 1),
        (1, 70),
        (70, 1),
        size,
        (64, 128),
        (500, 9),
        *generator.integers(1, 150, (20, 2)),
    ]
    for number, (height, width) in enumerate(sizes):
        image = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = np.where(image > 127, 255, 0).astype(np.uint8) if number % 3 == 0 else image
        np.testing.assert_array_equal(resize(image).numpy(), pixels.resize(image, size))


@pytest.mark.parametrize("encoded", [b"", b"GIF8", b"\xff\xd8\xff", b"BM", b"\x89PNG\r\n\x1a\n"])
def test_nothing_but_a_beginning(encoded):
    assert isinstance(compared(encoded), str)


@pytest.mark.parametrize(("size", "share"), [((32, 32), 0.875), ((7, 19), 1.0), ((64, 10), 0.61)])
def test_the_middle_equals_that_of_training(size, share):
    draw = np.random.default_rng(0)
    cut = tf.function(lambda image: image_graph.middle(image, size, share), reduce_retracing=True)
    for _ in range(60):
        shape = draw.integers(1, 90, 2)
        image = np.arange(shape.prod()).reshape(*shape, 1)
        found = cut(tf.constant(image, tf.int32)).numpy()
        np.testing.assert_array_equal(found, pixels.middle(image, size, share))


def test_a_file_of_which_the_middle_is_seen():
    image = np.random.default_rng(1).integers(0, 256, (60, 31, 3), dtype=np.uint8)
    encoded = image_kinds.encode(Image.fromarray(image), "PNG")
    expected = image_files.read(encoded, (9, 12, 3), crop=0.875)
    # 31 * 9 / 12 * 0.875 = 20.3 rows and 27.1 columns.
    np.testing.assert_array_equal(expected, pixels.resize(image[20:40, 2:29], (9, 12)))
    read = image_graph.reader((9, 12, 3), crop=0.875)
    np.testing.assert_array_equal(read(tf.constant(encoded)).numpy(), expected)
