#!/usr/bin/env bash
# TensorFlow 2.21.0 and Keras 3.15.1: the comment beside the stop_gradient in tf.nn.moments says that
# it does not change the gradient. It does not change the first one; the second one loses a term, and
# with it the Hessian of every network with keras.layers.BatchNormalization or LayerNormalization.
# BatchNormalization(synchronized=True), which computes its variance otherwise, is right.
#
# Seen (2 cores, x86-64, float64, numpy 2.4.6): Hessian-vector products against central differences of
# the gradient, relative to the largest entry: tf.nn.moments 0.11, BatchNormalization 0.11,
# LayerNormalization 0.17 off; tf.math.reduce_variance and BatchNormalization(synchronized=True) 6e-10.
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
x = tf.constant(draw.normal(size=(6, 5)))
v = tf.constant(1 + draw.normal(size=x.shape))
mix = tf.constant(draw.normal(size=x.shape))


def gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(mix * tf.sin(function(x)))
    return tape.gradient(loss, x)


def error(function):
    with tf.GradientTape() as tape:
        tape.watch(x)
        along = tf.reduce_sum(gradient(function, x) * v)
    product = tape.gradient(along, x)
    step = 1e-5
    expected = (gradient(function, x + step * v) - gradient(function, x - step * v)) / (2 * step)
    return float(tf.reduce_max(tf.abs(product - expected)) / tf.reduce_max(tf.abs(expected)))


def by_moments(x):
    mean, variance = tf.nn.moments(x, [0], keepdims=True)
    return (x - mean) / tf.sqrt(variance + 1e-3)


def by_reduce_variance(x):
    variance = tf.math.reduce_variance(x, 0, keepdims=True)
    return (x - tf.reduce_mean(x, 0, keepdims=True)) / tf.sqrt(variance + 1e-3)


layer = keras.layers.BatchNormalization()
synchronized = keras.layers.BatchNormalization(synchronized=True)
wrong = {
    "tf.nn.moments": error(by_moments),
    "keras BatchNormalization": error(lambda x: layer(x, training=True)),
    "keras LayerNormalization": error(keras.layers.LayerNormalization()),
}
right = {
    "tf.math.reduce_variance": error(by_reduce_variance),
    "keras BatchNormalization(synchronized=True)": error(lambda x: synchronized(x, training=True)),
}
for name, value in {**wrong, **right}.items():
    print(f"{name}: off by {value:.1e} of the largest entry")
assert min(wrong.values()) > 1e-3, "changed: right now"
assert max(right.values()) < 1e-6, "changed: wrong now"
print("as described")
PYTHON
