#!/usr/bin/env bash
# TensorFlow 2.21.0 and Keras 3.15.1: the gradient of an embedding is a list of rows in which a token that
# occurs n times stands n times. Clipping looks at the list, not at the gradient, whose row is their sum:
# clipnorm=1 and global_clipnorm=1 let a gradient of norm sqrt(n) pass if one token is repeated n times,
# clipvalue=1 one of n. tf.clip_by_global_norm does the same. A text in which words repeat is hence
# trained with more than the clipped gradient; the same rows made dense first are clipped as asked.
#
# Seen (2 cores, x86-64, numpy 2.4.6): nine times the same token, each with the gradient 1, SGD with the
# learning rate 1: steps of 3.0 with clipnorm=1 and global_clipnorm=1, 9.0 with clipvalue=1; made dense
# 1.0 with all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

print("tensorflow", tf.__version__, "keras", keras.__version__)


def step(dense, **clip):
    """The largest change of a weight by one step."""
    layer = keras.layers.Embedding(3, 1, embeddings_initializer="zeros")
    layer.build((None,))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.zeros([9], tf.int32)))
    gradients = tape.gradient(loss, layer.trainable_variables)
    if dense:
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    keras.optimizers.SGD(1.0, **clip).apply(gradients, layer.trainable_variables)
    return float(np.abs(layer.embeddings.numpy()).max())


seen = {}
for clip in ("clipnorm", "global_clipnorm", "clipvalue"):
    seen[clip] = step(False, **{clip: 1.0}), step(True, **{clip: 1.0})
    print(f"{clip}=1: a step of {seen[clip][0]:.2f}, of the same gradient made dense {seen[clip][1]:.2f}")
for clip, expected in {"clipnorm": 3.0, "global_clipnorm": 3.0, "clipvalue": 9.0}.items():
    assert abs(seen[clip][0] - expected) < 1e-4, f"changed: {clip}"
    assert abs(seen[clip][1] - 1.0) < 1e-4, f"changed: {clip} of dense gradients"
print("as described")
PYTHON
