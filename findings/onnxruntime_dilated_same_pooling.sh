#!/usr/bin/env bash
# onnxruntime 1.32.0: pooling with auto_pad="SAME_UPPER" or "SAME_LOWER" and dilations is not "SAME". The
# padding is that of a kernel without dilations, the output that of one with them: a pool of stride 1
# shrinks its input by (kernel - 1) * (dilation - 1). ONNX has it ceil(input / stride), which onnx's shape
# inference and onnxruntime's own list of outputs say too, so that the session returns another
# shape than it declares. MaxPool, AveragePool and LpPool all do it, on a plain valid model; a
# convolution with the same attributes is refused with an error, which is what one knows and relies on.
# All that comes of it is a warning of the log, and none where the shape is not known beforehand
# (dynamic sizes). A pooling branch behind a global pool, or one that is resized, then
# answers quietly from a wrong window. With the padding written out (pads) onnxruntime is right.
#
# Seen (onnx 1.23.2, numpy 2.4.6, CPU), input 9 x 8, kernel 3, dilation 2: 7 x 6 for 9 x 8 with stride 1,
# 4 x 3 for 5 x 4 with stride 2, with each of the three; the mean over a max pool of 8 images up to 0.19
# off, values 1.00 to 1.61.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import itertools

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
onnxruntime.set_default_logger_severity(4)  # The warning is described above.
KERNEL, HEIGHT, WIDTH = 3, 9, 8
images = np.random.default_rng(0).normal(size=(8, 1, HEIGHT, WIDTH)).astype("float32")


def session(operation, sizes=(HEIGHT, WIDTH), mean=False, **attributes):
    """A model of one pool, and what shape inference says of its output."""
    nodes = [helper.make_node(operation, ["x"], ["y"], kernel_shape=[KERNEL] * 2, **attributes)]
    if mean:
        nodes.append(helper.make_node("GlobalAveragePool", ["y"], ["z"]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, *sizes])
    y = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, ["n", 1, None, None])
    graph = helper.make_graph(nodes, "pool", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
    shape = [axis.dim_value for axis in inferred.type.tensor_type.shape.dim[2:]]
    provider = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=provider), shape


def run(model):
    return model.run(None, {"x": images})[0]


def pads(auto_pad, stride, dilation):
    """The padding that the specification gives "SAME"."""
    begins, ends = [], []
    for size in (HEIGHT, WIDTH):
        total = max((-(-size // stride) - 1) * stride + (KERNEL - 1) * dilation + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begins.append(small if auto_pad == "SAME_UPPER" else large)
        ends.append(large if auto_pad == "SAME_UPPER" else small)
    return begins + ends


for operation, auto_pad, stride, dilation in itertools.product(
    ("MaxPool", "AveragePool", "LpPool"), ("SAME_UPPER", "SAME_LOWER"), (1, 2), (1, 2)
):
    common = {"strides": [stride] * 2, "dilations": [dilation] * 2}
    automatic, inferred = session(operation, auto_pad=auto_pad, **common)
    written, _ = session(operation, pads=pads(auto_pad, stride, dilation), **common)
    found, right = run(automatic), run(written)
    declared = automatic.get_outputs()[0].shape[2:]
    print(
        f"{operation}, {auto_pad}, stride {stride}, dilation {dilation}: {found.shape[2:]},"
        f" declared {declared}, inferred {inferred}, with pads {right.shape[2:]}"
    )
    same = [-(-HEIGHT // stride), -(-WIDTH // stride)]
    assert declared == inferred == same == list(right.shape[2:])
    if dilation == 1:
        assert np.allclose(found, right), "changed: without dilations"
    else:
        assert found.shape[2:] == ((7, 6) if stride == 1 else (4, 3)), "changed"

kernel = onnx.numpy_helper.from_array(np.ones((1, 1, KERNEL, KERNEL), "float32"), "kernel")
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, HEIGHT, WIDTH]) for name in "xy")
node = helper.make_node("Conv", ["x", "kernel"], ["y"], auto_pad="SAME_UPPER", dilations=[2, 2])
graph = helper.make_graph([node], "convolution", [x], [y], [kernel])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
onnx.checker.check_model(model, full_check=True)
try:
    run(onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]))
    raise SystemExit("changed: a dilated SAME convolution is not refused")
except onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument as error:
    print("Conv, SAME_UPPER, dilation 2 is refused:", str(error).split("Status Message: ")[-1][:80])

common = {"strides": [1, 1], "dilations": [2, 2], "mean": True, "sizes": ("h", "w")}
found = run(session("MaxPool", auto_pad="SAME_UPPER", **common)[0])
right = run(session("MaxPool", pads=pads("SAME_UPPER", 1, 2), **common)[0])
off = float(np.abs(found - right).max())
print(f"dynamic sizes, mean over a max pool: off by {off:.2f}, values {right.min():.2f} to {right.max():.2f}")
assert off > 0.1, "changed: the mean"
print("as described")
PYTHON
