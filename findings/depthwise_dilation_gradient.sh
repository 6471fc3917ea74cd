#!/usr/bin/env bash
# TensorFlow 2.21.0: tf.raw_ops.DepthwiseConv2dNative takes dilations and convolves rightly with them on
# a CPU, but its gradients there are those of another convolution, without an error. The difference is
# as large as the gradient. tf.nn.depthwise_conv2d, which moves blocks instead, is right, and so is XLA.
#
# Seen (2 cores, x86-64, float32, numpy 2.4.6): dilation 2, outputs equal to those of
# tf.nn.depthwise_conv2d; gradient in the images 1.3, in the kernel 1.1 times the largest entry off;
# compiled by XLA 1e-7; with dilation 1 equal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf

print("tensorflow", tf.__version__)
draw = np.random.default_rng(0)
images = tf.constant(draw.normal(size=(1, 8, 8, 2)), tf.float32)
kernel = tf.constant(draw.normal(size=(3, 3, 2, 1)), tf.float32)
mix = tf.constant(draw.normal(size=(1, 8, 8, 2)), tf.float32)


def native(images, kernel, dilation):
    return tf.raw_ops.DepthwiseConv2dNative(
        input=images,
        filter=kernel,
        strides=[1, 1, 1, 1],
        padding="SAME",
        dilations=[1, dilation, dilation, 1],
    )


def public(images, kernel, dilation):
    return tf.nn.depthwise_conv2d(
        images, kernel, [1, 1, 1, 1], "SAME", dilations=[dilation, dilation]
    )


def gradients(convolve, dilation):
    with tf.GradientTape() as tape:
        tape.watch((images, kernel))
        loss = tf.reduce_sum(mix * convolve(images, kernel, dilation))
    return tape.gradient(loss, (images, kernel))


def off(found, expected):
    return float(tf.reduce_max(tf.abs(found - expected)) / tf.reduce_max(tf.abs(expected)))


def report(name, dilation, of=gradients):
    expected = gradients(public, dilation)
    errors = [off(x, y) for x, y in zip(of(native, dilation), expected)]
    output = off(native(images, kernel, dilation), public(images, kernel, dilation))
    print(f"{name}: output {output:.0e}, gradients in images, kernel off by", errors)
    return output, errors


output, errors = report("dilation 1", 1)
assert max(output, *errors) < 1e-5, "changed"
output, errors = report("dilation 2", 2)
assert output < 1e-5, "changed: the output"
assert min(errors) > 0.1, "changed: the gradients are right or refused now"
_, errors = report("dilation 2, XLA", 2, tf.function(gradients, autograph=False, jit_compile=True))
assert max(errors) < 1e-5, "changed: XLA"
print("as described")
PYTHON
