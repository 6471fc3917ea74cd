import os

import pytest

from darts_tf.common import standard_error


def test_only_meanwhile_and_also_past_python(capfd):
    os.write(2, b"before ")
    with pytest.raises(KeyError), standard_error.discarded():
        os.write(2, b"meanwhile ")
        raise KeyError
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"
