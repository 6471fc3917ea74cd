"""Image files of every kind that Pillow writes: format, mode, size and what else matters."""

import io
import itertools
import struct
import zlib

import numpy as np
from PIL import Image

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "I", "F")
SIZES = ((1, 1), (13, 22), (37, 17))
OPTIONS = {
    "JPEG": [
        {"quality": 40, "subsampling": subsampling, "progressive": progressive}
        for subsampling in (0, 1, 2)
        for progressive in (False, True)
    ],
    "WEBP": [{"lossless": True}, {"quality": 40}],
    "TIFF": [{}, {"compression": "tiff_lzw"}],
    "GIF": [{"interlace": 0}, {"interlace": 1}],
}
# Written as a request to another program, or not to be read again.
NOT_IMAGES = ("BUFR", "EPS", "GRIB", "HDF5", "PALM", "PDF", "WMF")


def picture(mode, size, seed=0):
    """A picture with smooth and with sharp parts, colours and, where the mode has it, alpha."""
    generator = np.random.default_rng([seed, *size])
    noise = generator.integers(0, 256, (*size, 4), dtype=np.uint8)
    coarse = Image.fromarray(noise[: size[0] // 4 + 1, : size[1] // 4 + 1])
    smooth = np.array(coarse.resize(size[::-1], Image.Resampling.BICUBIC))
    smooth[:, size[1] // 2 :] = noise[:, size[1] // 2 :]
    if mode in ("I;16", "I"):
        values = smooth[..., 0].astype(np.uint16) * 257
        return Image.fromarray(values if mode == "I;16" else values.astype(np.int32))
    if mode == "F":
        return Image.fromarray(smooth[..., 0].astype(np.float32))
    if mode in ("CMYK", "YCbCr", "HSV", "LAB"):
        flat = np.ascontiguousarray(smooth[..., : len(Image.new(mode, (1, 1)).getbands())])
        return Image.frombytes(mode, size[::-1], flat.tobytes())
    full = Image.fromarray(smooth)
    if mode in ("RGBA", "LA"):
        return full.convert(mode)
    if mode == "PA":
        return full.convert("RGBA").convert("PA")
    return full.convert("RGB").convert(mode)


def encode(image, kind, **options):
    """Returns the bytes of a file, or None where Pillow does not write that mode."""
    buffer = io.BytesIO()
    try:
        image.save(buffer, kind, **options)
    except (OSError, ValueError, KeyError, TypeError, SystemError):
        return None
    return buffer.getvalue()


def kinds():
    """Returns the names of the formats that Pillow writes as images."""
    Image.init()
    return sorted(set(Image.SAVE) - set(NOT_IMAGES))


def written_by_pillow(kinds, sizes=SIZES):
    """Yields `(format, mode, size, bytes)` of all that `Image.save` can write in these formats."""
    for kind, mode, size in itertools.product(kinds, MODES, sizes):
        if kind == "ICNS" and mode != "RGBA":  # Ten pictures in one, which takes a second.
            continue
        for options in OPTIONS.get(kind, [{}]):
            if (encoded := encode(picture(mode, size), kind, **options)) is not None:
                yield kind, mode, size, encoded


def transparent_colours():
    """Yields `(format, mode, bytes)`: one colour is transparent, or each of a palette in part."""
    for mode, colour in (
        ("1", 1),
        ("L", 7),
        ("RGB", (1, 2, 3)),
        ("P", 5),
        ("P", bytes(range(256))),
    ):
        image = picture(mode, (13, 22))
        image.putpixel((3, 4), colour if isinstance(colour, int | tuple) else 9)
        for kind in ("PNG", "GIF"):
            if (encoded := encode(image, kind, transparency=colour)) is not None:
                yield kind, mode, encoded


def png(depth, colour, size, transparent=False, seed=0):
    """Encodes random pixels as a PNG with `depth` bits (1, 2, 4, 8, 16) of colour type `colour`."""
    generator = np.random.default_rng([seed, depth, colour])
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = (size[1] * depth * channels + 7) // 8
    rows = b"".join(b"\0" + generator.bytes(row) for _ in range(size[0]))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], depth, colour, 0, 0, 0))]
    if colour == 3:
        chunks.append((b"PLTE", generator.bytes(3 * 2**depth)))
    if transparent:
        colours = {0: struct.pack(">H", 1), 2: struct.pack(">HHH", 1, 2, 3)}
        chunks.append((b"tRNS", colours.get(colour, generator.bytes(2**depth))))
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def with_exif(encoded, exif):
    """Puts EXIF data (from its byte order on) into a JPEG or PNG file."""
    if encoded[:2] == b"\xff\xd8":
        payload = b"Exif\0\0" + exif
        return (
            encoded[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(payload)) + payload + encoded[2:]
        )
    return encoded[:33] + _chunk(b"eXIf", exif) + encoded[33:]


def exif(orientation, big=False, kind=3, count=1):
    """EXIF data with one tag before the orientation and one after it."""
    order = ">" if big else "<"
    tags = [(0x0100, 4, 1, struct.pack(order + "I", 9)), (0x0131, 2, 4, b"abc\0")]
    tags.insert(1, (0x0112, kind, count, struct.pack(order + "HH", orientation, 0)))
    body = b"".join(struct.pack(order + "HHI", *tag[:3]) + tag[3] for tag in tags)
    start = b"MM\0*" if big else b"II*\0"
    return start + struct.pack(order + "IH", 8, len(tags)) + body + bytes(4)


def _chunk(kind, data):
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum
