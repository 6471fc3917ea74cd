#!/usr/bin/env bash
# Keras 3.15.1: the weaker RandAugment is asked to be, the harder its posterization.
# RandomPosterization(factor=B), documented as the number of bits to keep, draws a number from 1 to
# B - 1 for each image and never keeps B (a pair (B, B) does); RandAugment(factor) gives it
# B = max(1, int(8 * factor)): one bit at a factor up to 0.25, and up to seven bits at 1. So the mean
# change of a pixel falls as the factor rises, where that of all other operations rises.
#
# Seen (TensorFlow 2.21.0 as backend, numpy 2.4.6), 64 images of uniform noise, grey levels of 256:
# 63.0 at factor 0.05 (2 levels left), 34.1 at 0.5, 13.8 at 1.0; factor=4 leaves 2, 4 or 8 levels, not 16.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

print("keras", keras.__version__)
images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 3)).astype("float32")
changes = {}
for factor in (0.05, 0.25, 0.5, 1.0):
    layer = keras.layers.RandAugment(factor=factor, seed=0).random_posterization
    result = np.asarray(layer(images, training=True))
    changes[factor] = float(np.abs(result - images).mean())
    print(f"RandAugment(factor={factor}): posterization changes a pixel by {changes[factor]:.1f} levels")
layer = keras.layers.RandomPosterization(factor=4, seed=0)
levels = {len(np.unique(layer(image[None], training=True))) for image in images}
print("RandomPosterization(factor=4) leaves", sorted(levels), "levels; 4 bits have 16")
fixed = keras.layers.RandomPosterization(factor=(4, 4), seed=0)
kept = len(np.unique(fixed(images, training=True)))
print("RandomPosterization(factor=(4, 4)) leaves", kept)
assert changes[0.05] == changes[0.25] > 60, "changed: a weak RandAugment keeps more than a bit"
assert changes[0.05] > changes[0.5] > changes[1.0], "changed: a strong one posterizes harder"
assert levels == {2, 4, 8}, "changed: other numbers of bits are drawn"
assert kept == 16, "changed: a pair is no fixed number of bits"
print("as described")
PYTHON
