#!/usr/bin/env bash
# TensorFlow 2.21.0: tf.io.decode_png(channels=4) gives an opaque grey or palette PNG of 1, 2 or 4 bits
# the alpha 1, 3 or 15 of 255: the filler of a full alpha channel is scaled with the depth of the
# file, before its samples are expanded to 8 bits. Such a picture is then nearly transparent. With 8
# bits alpha is 255. Pillow 13.0.0 gives 255 for all of them.
#
# Seen (x86-64, Linux): grey of 1 bit: alpha 1; palettes of 2, 4 and 16 colours: 1, 3 and 15; of 256: 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 pillow==13.0.0
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import io

import numpy as np
import PIL.Image
import tensorflow as tf

print("tensorflow", tf.__version__, "pillow", PIL.__version__)


def alphas(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    by_tensorflow = tf.io.decode_png(buffer.getvalue(), channels=4).numpy()[..., 3]
    by_pillow = np.asarray(PIL.Image.open(io.BytesIO(buffer.getvalue())).convert("RGBA"))[..., 3]
    assert by_pillow.min() == by_pillow.max() == 255
    assert by_tensorflow.min() == by_tensorflow.max()
    return int(by_tensorflow.max())


found = {"grey, 1 bit": alphas(PIL.Image.new("1", (8, 8), 1))}
for bits in (1, 2, 4, 8):
    image = PIL.Image.new("P", (8, 8), 1)
    image.putpalette([level % 256 for level in range(3 * 2**bits)])
    found[f"palette of {2**bits}"] = alphas(image, bits=bits)
found["grey, 8 bits"] = alphas(PIL.Image.new("L", (8, 8), 200))
print(found)
expected = dict(zip(found, (1, 1, 3, 15, 255, 255)))
assert found == expected, f"changed: expected {expected}"
print("as described")
PYTHON
