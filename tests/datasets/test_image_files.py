import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from darts_tf.datasets import image_files
from tests.datasets import image_kinds

ORIENTATION = 0x0112


def one_pixel(image, kind="PNG", channels=3, **options):
    """The pixel of an image of one colour, after it was written and read."""
    encoded = image_kinds.encode(image, kind, **options)
    return image_files.read(encoded, (4, 5, channels))[2, 2].tolist()


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("RGBA", (100, 0, 0, 51), [224, 204, 204]),
        ("RGBA", (0, 0, 0, 0), [255, 255, 255]),
        ("LA", (100, 51), [224, 224, 224]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("YCbCr", (128, 128, 128), [128, 128, 128]),
        ("HSV", (0, 255, 255), [255, 0, 0]),
        ("1", 1, [255, 255, 255]),
    ],
)
def test_colours_become_rgb_over_white(mode, value, expected):
    kind = "PNG" if mode in ("RGBA", "LA", "1") else "TIFF"
    if mode == "HSV":
        kind = "WEBP"  # Written as RGB, without loss.
    assert one_pixel(Image.new(mode, (7, 7), value), kind, lossless=True) == expected


def test_palettes():
    image = Image.new("P", (7, 7), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    assert one_pixel(image) == [200, 100, 50]
    assert one_pixel(image, transparency=1) == [255, 255, 255]
    assert one_pixel(image, transparency=0) == [200, 100, 50]
    assert one_pixel(image, transparency=bytes([255, 51])) == [244, 224, 214]
    assert one_pixel(image, "GIF", transparency=1) == [255, 255, 255]


def test_transparent_grey_of_few_bits():
    # The transparent level is 1 of 0 to 3.
    encoded = image_kinds.png(2, 0, (13, 22), transparent=True)
    plain = np.asarray(Image.open(io.BytesIO(encoded)))
    expected = np.where(plain == 85, 255, plain)
    found = image_files.read(encoded, (13, 22, 1))
    np.testing.assert_array_equal(found[..., 0], expected)


def test_a_grey_network_sees_luma():
    assert one_pixel(Image.new("RGB", (7, 7), (200, 100, 50)), channels=1) == [124]
    assert one_pixel(Image.new("RGBA", (7, 7), (0, 0, 0, 0)), channels=1) == [255]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "MPO"])
def test_cameras_marks_are_followed(kind):
    image = image_kinds.picture("RGB", (16, 24))
    stored = image_files.read(image_kinds.encode(image, kind), (16, 24, 3))
    for mark in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = mark
        encoded = image_kinds.encode(image, kind, exif=exif)
        shape = (24, 16, 3) if mark >= 5 else (16, 24, 3)
        with Image.open(io.BytesIO(encoded)) as picture:
            expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        assert expected.shape == shape
        np.testing.assert_array_equal(image_files.read(encoded, shape), expected)
        assert image_files.header(io.BytesIO(encoded)).upright_size == shape[:2]
        if kind in ("JPEG", "PNG"):
            found = image_files.read(encoded, (16, 24, 3), upright=False)
            np.testing.assert_array_equal(found, stored)


def deep(values, kind="PNG"):
    return image_kinds.encode(Image.fromarray(np.array(values, np.uint16)), kind)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_sixteen_bits(kind):
    values = np.full((4, 5), 65535)
    values[0] = [0, 257, 300, 32768, 65535]
    encoded = deep(values, kind)
    header = image_files.header(io.BytesIO(encoded))
    assert header.deep and header.grey
    found = image_files.read(encoded, (4, 5, 1), 16)
    assert found[0, :, 0].tolist() == [0, 1, 1, 128, 255]
    assert image_files.largest_value(encoded) == 65535


def test_twelve_bits_in_sixteen():
    values = np.full((4, 5), 4095)
    values[0] = [0, 16, 24, 2048, 4095]
    for kind in ("PNG", "TIFF"):
        encoded = deep(values, kind)
        assert image_files.read(encoded, (4, 5, 1), 12)[0, :, 0].tolist() == [0, 1, 1, 128, 255]
        assert image_files.read(encoded, (4, 5, 3), 12)[0, 3].tolist() == [128, 128, 128]
    assert image_files.bits_for(4095) == 12 and image_files.bits_for(4096) == 14
    with pytest.raises(
        image_files.ImageError, match="value 4095, but .* 10 of 16 bits .* at most 1023"
    ):
        image_files.read(encoded, (4, 5, 1), 10)
    with pytest.raises(
        image_files.ImageError, match="16 bits a channel, but the network was trained"
    ):
        image_files.read(encoded, (4, 5, 1))


def test_sixteen_bits_in_colour():
    encoded = image_kinds.png(16, 2, (4, 5))
    image = image_files.read(encoded, (4, 5, 3), 16)
    with Image.open(io.BytesIO(encoded)) as picture:
        high_bytes = np.asarray(picture)
    assert np.abs(image.astype(int) - high_bytes).max() == 1  # They are rounded, not cut off.
    assert not image_files.header(io.BytesIO(encoded)).grey


def test_what_pillow_reads_in_part_is_refused():
    # As no program here writes 16 bits in colour but as PNG: a TIFF of one such pixel.
    tags = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 140), (277, 3, 1, 3), (278, 3, 1, 1), (279, 4, 1, 6)]
    body = b"".join(
        tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + count.to_bytes(4, "little")
        + value.to_bytes(4, "little")
        for tag, kind, count, value in tags
    )  # fmt: skip
    start = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + body + bytes(4)
    encoded = start.ljust(134, b"\0") + b"\x10\0" * 3 + b"\x34\x12" * 3
    with pytest.raises(
        image_files.ImageError, match="Pillow keeps 8 in this type of file: save it as PNG"
    ):
        image_files.read(encoded, (4, 5, 3), 16)
    with pytest.raises(image_files.ImageError, match="fractions"):
        image_files.read(image_kinds.encode(image_kinds.picture("F", (4, 5)), "TIFF"), (4, 5, 1))


@pytest.mark.parametrize("kind", image_kinds.kinds())
def test_every_type_that_pillow_writes(kind):
    read = set()
    for _, mode, size, encoded in image_kinds.written_by_pillow([kind], sizes=[(13, 22)]):
        try:
            image = image_files.read(encoded, (*size, 3), 16)
        except image_files.ImageError as error:
            assert mode in ("F", "LAB") or kind == "SPIDER", error
            continue
        assert image.shape == (13, 22, 3) and image.dtype == np.uint8
        read.add(mode)
    assert read or kind == "SPIDER"


def test_what_is_read():
    assert {"PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP"} < set(image_files.formats())
    assert not {"EPS", "WMF", "PDF", "MPEG"} & set(image_files.formats())
    assert {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"} < set(image_files.extensions())
    assert not {".eps", ".txt", ".pdf"} & set(image_files.extensions())


@pytest.mark.parametrize("encoded", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_no_image(encoded):
    with pytest.raises(image_files.ImageError, match="it is damaged or not an image"):
        image_files.read(encoded, (4, 5, 3))
