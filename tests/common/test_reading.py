import os

import pytest

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.genotypes import get as get_genotype
from darts_tf.genotypes.genotype import Genotype


@pytest.fixture
def pipe(tmp_path):
    """A pipe, which a reader would wait for, for ever."""
    os.mkfifo(tmp_path / "pipe.npz")
    return str(tmp_path / "pipe.npz")


def test_pipes_and_devices_are_not_read(pipe):
    for path in (pipe, "/dev/zero"):
        with pytest.raises(OSError, match="it is a pipe, a device or a socket, not a file"):
            reading.read_text(path)


def test_json(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, null]}')
    assert reading.read_json(tmp_path / "a.json") == {"a": [1, None]}


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 5000])
def test_no_json(text):
    with pytest.raises(ValueError):  # noqa: PT011  Python's own for most, and no UserError.
        reading.parse_json(text)


def test_json_lines(tmp_path):
    assert reading.read_json_lines(tmp_path / "none.jsonl") == []
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n2\n')
    assert reading.read_json_lines(tmp_path / "a.jsonl") == [{"a": 1}, 2]


class TestGenotypes:
    @pytest.mark.parametrize("name", ["x" * 5000, "random:" + "9" * 5000, "|" * 5000])
    def test_long_names(self, name):
        with pytest.raises(UserError):
            get_genotype(name)

    def test_a_pipe(self, pipe):
        with pytest.raises(UserError, match="cannot read the genotype .*it is a pipe"):
            get_genotype(pipe)

    def test_nested_too_deeply(self):
        with pytest.raises(UserError, match="not JSON: it is nested too deeply"):
            Genotype.from_json("[" * 100_000)


def test_data_in_a_pipe(pipe):
    from darts_tf import datasets

    with pytest.raises(UserError, match="cannot read .*pipe.npz as an .npz file .*it is a pipe"):
        datasets.load(pipe)
