#!/usr/bin/env bash
# TensorFlow 2.21.0 and Keras 3.15.1: the gradient of bilinear resizing has no gradient of its own, and
# nothing says so: nested tapes return a Hessian-vector product that lacks every term through the
# resizing. With the other methods they raise an error. Keras' UpSampling2D(interpolation="bilinear")
# and Resizing inherit it; UpSampling2D by repetition is right.
#
# Seen (2 cores, x86-64, numpy 2.4.6): products against central differences of the gradient, relative to
# the largest entry: tf.image.resize(method="bilinear") 0.62, Keras' bilinear UpSampling2D 0.62 off, its
# nearest one 4e-11; nearest, bicubic and area of tf.image.resize: LookupError.
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
keras.config.set_floatx("float64")
draw = np.random.default_rng(0)
x = tf.constant(draw.normal(size=(1, 4, 4, 1)))
v = tf.constant(draw.normal(size=x.shape))


def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.cast(function(x * x), tf.float64) ** 2)
    return tape.gradient(loss, x)


def error(function):
    with tf.GradientTape() as tape:
        tape.watch(x)
        along = tf.reduce_sum(gradient(function, x) * v)
    product = tape.gradient(along, x)
    step = 1e-5
    expected = (gradient(function, x + step * v) - gradient(function, x - step * v)) / (2 * step)
    return float(tf.reduce_max(tf.abs(product - expected)) / tf.reduce_max(tf.abs(expected)))


def resize(method):
    return lambda x: tf.image.resize(x, (8, 8), method=method)


wrong = {
    "tf.image.resize, bilinear": error(resize("bilinear")),
    "UpSampling2D, bilinear": error(keras.layers.UpSampling2D(interpolation="bilinear")),
}
right = error(keras.layers.UpSampling2D(interpolation="nearest"))
for name, value in {**wrong, "UpSampling2D, nearest": right}.items():
    print(f"{name}: off by {value:.1e} of the largest entry")
for method in ("nearest", "bicubic", "area"):
    try:
        error(resize(method))
    except LookupError as refused:
        print(f"tf.image.resize, {method}: LookupError")
    else:
        raise AssertionError(f"changed: {method} has a second derivative")
assert min(wrong.values()) > 1e-2, "changed: right now"
assert right < 1e-6, "changed: wrong now"
print("as described")
PYTHON
