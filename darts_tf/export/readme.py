"""The README of an export's folder."""

from pathlib import Path

from darts_tf.export.conversion import NEXT
from darts_tf.export.formats import LITERT, ONNX
from darts_tf.export.other_files import FILES

README = "README.txt"
_SAVED_MODEL = """\
saved_model.pb, variables, assets: a SavedModel, for TensorFlow and TensorFlow Serving.
  tf.saved_model.load(FOLDER).signatures["serving_default"]
  tf.lite.TFLiteConverter converts this signature only, with
  from_saved_model(FOLDER, signature_keys=["serving_default"]): LiteRT has no operations that decode
  image files or handle text, which the other signatures do. train.export --format=litert does it.
"""
_ONNX = """\
model.onnx: for ONNX Runtime (the Python package onnxruntime); the batch may have any size.
"""
_LITERT = """\
{name}: for LiteRT, signature serving_default; the batch may have any size.
"""
_STATES = """\
  It goes on from a state: give zeros as state_0 (and state_1 and so on) first, then what came back,
  {name} (and so on).
"""
_ONE_TOKEN = """\
  One token a call: tokens is [B, 1], because LiteRT has no loop whose state has any batch size.
"""


def explanation(folder: Path, states: bool = False) -> str:
    """Tells what the files of an export are for.

    Args:
        folder: with all of them.
        states: whether the network carries a state.
    """
    parts = []
    if (folder / "saved_model.pb").exists():
        parts.append(_SAVED_MODEL)
    if (folder / FILES[ONNX]).exists():
        parts.append(_ONNX + (_STATES.format(name=f"{NEXT}state_0") if states else ""))
    first, states_text = FILES[LITERT], _STATES.format(name="state_0") + _ONE_TOKEN
    others = sorted(path.name for path in folder.glob("model_*.tflite"))
    for name in [first, *others] if (folder / first).exists() else []:
        parts.append(_LITERT.format(name=name) + (states_text if states else ""))
    return "".join(parts)
