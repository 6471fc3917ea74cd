import os

import pytest

from darts_tf.common import onednn

# As Linux writes it of an AMD processor without instructions for neural networks.
OLDER = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse4_2 fma avx avx2 bmi2\n"


@pytest.mark.parametrize(
    ("processor", "given", "expected"),
    [
        (OLDER, {}, {"TF_ENABLE_ONEDNN_OPTS": "1"}),
        (OLDER, {"TF_ENABLE_ONEDNN_OPTS": "0"}, {"TF_ENABLE_ONEDNN_OPTS": "0"}),
        (OLDER.replace(" avx2", ""), {}, {}),
        (OLDER.replace(" avx2", "").replace("AMD EPYC", "avx2"), {}, {}),
        ("processor\t: 0\nFeatures\t: fp asimd\n", {}, {}),
        (None, {}, {}),
    ],
)
def test_where_it_is_switched_on(tmp_path, monkeypatch, processor, given, expected):
    path = tmp_path / "cpuinfo"
    if processor is not None:
        path.write_text(processor)
    monkeypatch.setattr(onednn, "_PROCESSOR", path)
    monkeypatch.setattr(os, "environ", dict(given))
    onednn.switch_on()
    assert os.environ == expected


@pytest.mark.skipif(not onednn._has_avx2(), reason="a processor without AVX2")
@pytest.mark.skipif(os.environ.get(onednn.VARIABLE) == "0", reason="oneDNN is switched off")
def test_tensorflow_uses_it():
    from tensorflow.python.util import _pywrap_util_port

    assert _pywrap_util_port.IsMklEnabled()
