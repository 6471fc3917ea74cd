#!/usr/bin/env bash
# TensorFlow 2.21.0, CPU: the second derivative of max pooling (strides 1, padding "SAME") is wrong in
# a tf.function, and right eagerly. The kernel of MaxPoolGradGrad may write its output over the
# gradient that it is still reading, when nothing else in the graph needs that tensor.
#
# Seen (2 cores, x86-64, tensorflow 2.21.0, numpy 2.4.6): the gradient of sum(sin(g)), g being the
# gradient of sum(max_pool(x)^3), 3x3, strides 1, along ten directions, against central differences:
# off by 9e-10 of the largest value eagerly and by 1.0 in a tf.function, each time; with strides 2
# both are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf

print("tensorflow", tf.__version__)
draw = np.random.default_rng(0)
x = draw.normal(size=(2, 8, 8, 4))


def gradient(x, strides):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.nn.max_pool2d(x, 3, strides, "SAME") ** 3)
    return tape.gradient(loss, x)


def penalty(x, strides):
    return tf.reduce_sum(tf.sin(gradient(x, strides)))


def second(x, strides):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = penalty(x, strides)
    return tape.gradient(value, x)


def along(x, strides, direction):
    step = 1e-7  # Too small for another element to become a largest one.
    ends = [penalty(tf.constant(x + sign * step * direction), strides) for sign in (1, -1)]
    return float(ends[0] - ends[1]) / (2 * step)


directions = draw.normal(size=(10, *x.shape))
errors = {}
for strides in (1, 2):
    expected = np.array([along(x, strides, direction) for direction in directions])
    for name, function in (("eager", second), ("graph", tf.function(second))):
        found = function(tf.constant(x), strides).numpy()
        found = np.array([np.sum(found * direction) for direction in directions])
        errors[strides, name] = float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
        print(f"strides {strides}, {name}: off by {errors[strides, name]:.1e} of the largest")
assert max(errors[1, "eager"], errors[2, "eager"], errors[2, "graph"]) < 1e-5, "changed: now wrong"
assert errors[1, "graph"] > 0.01, "changed: right in a graph now"
print("as described")
PYTHON
