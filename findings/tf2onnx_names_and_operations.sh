#!/usr/bin/env bash
# tf2onnx 1.17.0: two ways to a file that nobody can use, both on a function that TensorFlow runs.
#
# 1. An input and an output of one name, as a state that is taken and returned may have them:
#    tf2onnx.convert.from_function fails with "graph input 'state' not exist", the name of an input
#    that does exist. With another name of the output it converts.
# 2. An operation that ONNX has no counterpart of, such as Lgamma: it is written into the model under
#    its TensorFlow name, a line is logged, and nothing is raised, neither by tf2onnx nor by
#    model.export(format="onnx") of Keras 3.15.1, which says "Saved artifact". onnx.checker refuses
#    the file.
#
# Seen with TensorFlow 2.21.0, onnx 1.23.2 (opset 18), numpy 2.4.6.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 tf2onnx==1.17.0 \
  onnx==1.23.2 numpy==2.4.6
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

print("tf2onnx", tf2onnx.__version__)
logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)


def convert(function, name):
    signature = [tf.TensorSpec([None, 3], tf.float32, name=name)]
    return tf2onnx.convert.from_function(tf.function(function, autograph=False), signature, opset=18)[0]


def is_refused(model):
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        print("  onnx.checker:", str(error).splitlines()[0])
        return True
    return False


try:
    convert(lambda state: {"state": state + 1.0}, "state")
except ValueError as error:
    print("an input and an output named state:", error)
else:
    raise SystemExit("changed: an input and an output may have one name")
assert not is_refused(convert(lambda state: {"next": state + 1.0}, "state"))

assert tf.math.lgamma(3.0).numpy() > 0
model = convert(lambda x: {"y": tf.math.lgamma(x)}, "x")
print("Lgamma:", [(node.domain, node.op_type) for node in model.graph.node], "without an error")
assert [node.op_type for node in model.graph.node] == ["Lgamma"], "changed: not written as it is"
assert is_refused(model), "changed: the checker takes it"


class LogGamma(keras.layers.Layer):
    def call(self, x):
        return tf.math.lgamma(x)


network = keras.Sequential([keras.Input((3,)), LogGamma()])
network(np.ones((1, 3), "float32"))
network.export("network.onnx", format="onnx", verbose=True)
assert is_refused(onnx.load("network.onnx")), "changed: Keras' export can be used"
print("as described")
PYTHON
