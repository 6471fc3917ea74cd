#!/usr/bin/env bash
# Pillow 13.0.0: a grey PNG of 2 or 4 bits names one of its grey levels as transparent (chunk tRNS, the
# level in the file's own depth: 0 to 3, or 0 to 15). Pillow scales the pixels to 0 to 255, but not
# the level, so that converting to RGBA makes another grey level transparent, or none. TensorFlow
# 2.21.0 (libpng) makes the named one transparent. With 8 bits both agree.
#
# Seen (x86-64, Linux): pixels 0, 1, 2, 3 of 2 bits, level 1 transparent: Pillow's alphas 255, 255, 255,
# 255, libpng's 255, 0, 255, 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 pillow==13.0.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import io
import struct
import zlib

import numpy as np
import PIL.Image
import tensorflow as tf

print("tensorflow", tf.__version__, "pillow", PIL.__version__)


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(bits, levels, transparent):
    """One row of grey pixels, `levels` in the file's own depth."""
    row = int("".join(f"{level:0{bits}b}" for level in levels), 2).to_bytes(bits * len(levels) // 8, "big")
    header = struct.pack(">IIBBBBB", len(levels), 1, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part)
        for part in (
            (b"IHDR", header),
            (b"tRNS", struct.pack(">H", transparent)),
            (b"IDAT", zlib.compress(b"\0" + row)),
            (b"IEND", b""),
        )
    )


def alphas(content):
    pillow = np.asarray(PIL.Image.open(io.BytesIO(content)).convert("RGBA"))[0, :, 3].tolist()
    return pillow, tf.io.decode_png(content, channels=4).numpy()[0, :, 3].tolist()


for bits, levels, transparent in ((2, [0, 1, 2, 3], 1), (4, [0, 1, 2, 15], 2), (8, [0, 1, 2, 255], 2)):
    by_pillow, by_libpng = alphas(png(bits, levels, transparent))
    print(f"{bits} bits, levels {levels}, {transparent} transparent: Pillow {by_pillow}, libpng {by_libpng}")
    right = [0 if level == transparent else 255 for level in levels]
    assert by_libpng == right, "changed: libpng"
    assert (by_pillow == right) == (bits == 8), "changed: Pillow"
print("as described")
PYTHON
