import keras
import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.runs.snapshots import Snapshots


@pytest.mark.parametrize("in_files", [False, True])
def test_the_last_epochs_come_back_bit_for_bit(tmp_path, in_files):
    directory = tmp_path / "epochs" if in_files else None
    variables = [keras.Variable(np.zeros((2, 3), "float32")), keras.Variable(0, dtype="int64")]
    snapshots = Snapshots(variables, keep=2, directory=directory)
    rng, kept = np.random.default_rng(0), {}
    for epoch in range(4):
        kept[epoch] = rng.normal(size=(2, 3)).astype("float32")
        variables[0].assign(kept[epoch])
        variables[1].assign(epoch)
        snapshots.save(epoch)
    if in_files:
        assert sorted(p.name for p in directory.iterdir()) == ["epoch_2.npz", "epoch_3.npz"]
        # Another process.
        snapshots = Snapshots(variables, keep=2, directory=directory)
    snapshots.restore(2)
    np.testing.assert_array_equal(variables[0], kept[2])
    assert int(variables[1]) == 2
    with pytest.raises((KeyError, UserError)):
        snapshots.restore(1)
