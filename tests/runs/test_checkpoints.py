import itertools
import os
import random
import time

import keras
import numpy as np
import pytest
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.runs import settings
from darts_tf.runs.checkpoints import Checkpoints
from tests import forks


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


@pytest.fixture
def three(tmp_path):
    """A folder with three checkpoints, of the epochs 1 to 3."""
    checkpoints, group = make(tmp_path)
    for epoch in (1, 2, 3):
        group[0].assign([epoch] * 3)
        checkpoints.notes["best"] = epoch
        checkpoints.save(epoch)
    return tmp_path


@pytest.mark.parametrize("size", [0, 10, 0.9, None], ids=["empty", "10 bytes", "cut off", "gone"])
@pytest.mark.parametrize("name", ["ckpt-3.index", "ckpt-3.data-00000-of-00001"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(three, name, size, monkeypatch):
    said = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: said.append(text % args))
    damage(three / name, size)
    again, restored = make(three)
    assert again.restore() == (2, 0)
    np.testing.assert_array_equal(restored[0], [2, 2, 2])
    assert again.notes == {"best": 2}
    (text,) = said
    assert "ckpt-3 cannot be read" in text and text.endswith("ckpt-2")
    # The next one takes the place of the damaged one.
    again.save(3, 1)
    assert make(three)[0].restore() == (3, 1) and len(said) == 1


@pytest.mark.parametrize("size", [0, 10, 0.9, None], ids=["empty", "10 bytes", "cut off", "gone"])
def test_a_damaged_list_of_checkpoints(three, size):
    damage(three / "checkpoint", size)
    again, _ = make(three)
    assert again.restore() == (3, 0) and again.notes == {"best": 3}
    again.save(4)
    assert make(three)[0].restore() == (4, 0)


def test_no_checkpoint_can_be_read(three):
    for path in three.glob("*.index"):
        path.write_bytes(b"damaged")
    with pytest.raises(UserError, match="no checkpoint in .* can be read.*Use a new output folder"):
        make(three)[0].restore()


def damage(path, size):
    if size is None:
        path.unlink()
    else:
        os.truncate(path, size if isinstance(size, int) else int(size * path.stat().st_size))


def test_other_settings_are_refused_by_name(tmp_path):
    make(tmp_path, settings={"epochs": 3, "cells": [1, 2]})[0].save(1)
    assert make(tmp_path, settings={"epochs": 3, "cells": [1, 2]})[0].restore() == (1, 0)
    with pytest.raises(UserError, match="other settings: epochs was 3 and is now 4. Give the same"):
        make(tmp_path, settings={"epochs": 4, "cells": [1, 2]})[0].restore()


def test_settings_that_may_be_raised(tmp_path, caplog):
    make(tmp_path, settings={"epochs": 3})[0].save(3)
    changeable = settings.Changeable(raised=("epochs",))
    longer, _ = make(tmp_path, settings={"epochs": 4}, changeable=changeable)
    assert longer.restore() == (3, 0)
    assert "begun for 3 epochs and goes on with the schedules of 4" in caplog.text
    longer.save(4)
    caplog.clear()
    assert make(tmp_path, settings={"epochs": 4})[0].restore() == (4, 0)
    assert not caplog.text
    with pytest.raises(UserError, match="epochs was 4 and is now 3, and can only be raised"):
        make(tmp_path, settings={"epochs": 3}, changeable=changeable)[0].restore()


@pytest.mark.slow
def test_killed_at_any_moment_the_newest_checkpoint_is_whole(tmp_path):
    rng, reached = random.Random(0), 0
    for _ in range(20):
        ours, its = forks.context.Pipe()
        process = forks.context.Process(target=save_for_ever, args=(str(tmp_path), its))
        process.start()
        # What it went on from, once it has begun to save.
        assert ours.recv() >= reached
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.join()
        checkpoints, group = make(tmp_path)
        reached, _ = checkpoints.restore()
        assert checkpoints.notes == {"best": reached}
        for variable in group:
            assert np.unique(variable) == [reached]
    assert reached > 20


def save_for_ever(folder, pipe):
    checkpoints, group = make(folder)
    first, _ = checkpoints.restore()
    for epoch in itertools.count(first + 1):
        for variable in group:
            variable.assign(np.full(variable.shape, epoch))
        checkpoints.notes["best"] = epoch
        checkpoints.save(epoch)
        if epoch == first + 1:
            pipe.send(first)


def test_unwritable(tmp_path):
    checkpoints, _ = make(tmp_path / "folder")
    (tmp_path / "folder").write_text("a file where the folder would be")
    with pytest.raises(UserError, match="cannot write a checkpoint to .*before it are intact"):
        checkpoints.save(1)
