"""oneDNN's operations on processors that TensorFlow does not switch them on for.

TensorFlow uses oneDNN by itself only where a processor has instructions for neural networks
(AVX-512 VNNI, AVX-VNNI, AMX). Others with AVX2, such as those of many laptops and of AMD before its
fourth generation, compute convolutions and batch normalisations by Eigen then, although oneDNN has
code for them too: a first-order search step takes 1.6 times as long and a sixth more memory there
(docs/speed.md).
"""

import os
import pathlib

#: What TensorFlow asks when it is imported.
VARIABLE = "TF_ENABLE_ONEDNN_OPTS"

_PROCESSOR = pathlib.Path("/proc/cpuinfo")


def switch_on() -> None:
    """Makes TensorFlow, if it is not imported yet, use oneDNN wherever there is AVX2.

    The variable of the environment, where set, is left alone; so are systems that do not say what
    their processor has in `/proc/cpuinfo`.
    """
    if _has_avx2():
        os.environ.setdefault(VARIABLE, "1")


def _has_avx2() -> bool:
    try:
        lines = _PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any("avx2" in line.split() for line in lines if line.startswith("flags"))
