import time

import keras
import numpy as np
import pytest

from darts_tf.checkpoints import Checkpoints
from darts_tf.errors import UserError


def variables(value, shape=(3,)):
    return [keras.Variable(np.full(shape, value)), keras.Variable(2 * value)]


def make(folder, value=0.0, **kwargs):
    group = variables(value)
    return Checkpoints(folder, {"weights": group}, **kwargs), group


def test_nothing_to_restore(tmp_path):
    assert make(tmp_path / "new")[0].restore() == (0, 0)
    assert make(tmp_path / "new")[0].restore() == (0, 0)


def test_restores_the_newest(tmp_path):
    checkpoints, group = make(tmp_path, 1.0)
    checkpoints.save(3)
    group[0].assign([4.0, 5.0, 6.0])
    checkpoints.save(4, 7)
    again, restored = make(tmp_path)
    assert again.restore() == (4, 7)
    np.testing.assert_array_equal(restored[0], [4.0, 5.0, 6.0])
    np.testing.assert_array_equal(restored[1], 2.0)


def test_keeps_the_last_ones(tmp_path):
    checkpoints, _ = make(tmp_path, keep=2)
    for epoch in range(5):
        checkpoints.save(epoch)
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_due(tmp_path):
    assert make(tmp_path, seconds=0)[0].due()
    checkpoints, _ = make(tmp_path, seconds=0.2)
    assert not checkpoints.due()
    time.sleep(0.3)
    assert checkpoints.due()
    checkpoints.save(0, 1)
    assert not checkpoints.due()


def test_one_that_does_not_write(tmp_path):
    chief, _ = make(tmp_path)
    chief.save(2, 3)
    other, restored = make(tmp_path, writes=False)
    assert other.restore() == (2, 3)
    before = sorted(tmp_path.rglob("*"))
    other.save(4)
    assert sorted(tmp_path.rglob("*")) == before
    assert make(tmp_path)[0].restore() == (2, 3)


@pytest.mark.parametrize(
    "groups",
    [
        {"weights": variables(0.0, shape=(4,))},
        {"others": variables(0.0)},
        {"weights": variables(0.0) + variables(0.0)},
    ],
    ids=["shape", "name", "number"],
)
def test_a_checkpoint_of_something_else(tmp_path, groups):
    make(tmp_path)[0].save(1)
    with pytest.raises(UserError, match="does not fit this run: .*Use a new output folder"):
        Checkpoints(tmp_path, groups).restore()


def test_a_damaged_checkpoint(tmp_path):
    make(tmp_path)[0].save(1)
    (index,) = tmp_path.glob("*.index")
    index.write_bytes(b"damaged")
    with pytest.raises(UserError, match="does not fit this run"):
        make(tmp_path)[0].restore()


def test_unwritable(tmp_path):
    checkpoints, _ = make(tmp_path / "folder")
    (tmp_path / "folder").write_text("a file where the folder would be")
    with pytest.raises(UserError, match="cannot write a checkpoint to .*before it are intact"):
        checkpoints.save(1)
