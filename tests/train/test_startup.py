import os

import pytest

from train import startup


@pytest.mark.parametrize(
    ("cores", "given", "expected"),
    [
        (2, {}, {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2"}),
        (2, {"TF_NUM_INTEROP_THREADS": "7"}, {"TF_NUM_INTEROP_THREADS": "7"}),
        (32, {}, {}),
    ],
)
def test_threads(monkeypatch, cores, given, expected):
    monkeypatch.setattr(os, "environ", dict(given))
    startup._give_each_core_an_operation(cores)
    assert os.environ == expected
