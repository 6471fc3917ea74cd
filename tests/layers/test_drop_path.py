import keras
import numpy as np
import pytest

from darts_tf import genotypes, operations
from darts_tf.cells.cell import Cell
from darts_tf.layers.drop_path import DropPath, DropPathSchedule

IMAGES = np.random.default_rng(0).normal(size=(4000, 2, 2, 3)).astype("float32") + 10


def test_drops_whole_examples_and_scales_the_others():
    got = DropPath(0.3, seed=1)(IMAGES, training=True).numpy()
    dropped = (got == 0).reshape(len(got), -1)
    assert (dropped.all(axis=1) == dropped.any(axis=1)).all()
    # 4000 draws: a standard deviation of 0.0072.
    assert abs(dropped.all(axis=1).mean() - 0.3) < 0.03
    kept = ~dropped.all(axis=1)
    np.testing.assert_allclose(got[kept], IMAGES[kept] / 0.7, rtol=1e-6)


def test_every_call_draws_anew_and_a_seed_repeats_the_draws():
    first, second = DropPath(0.5, seed=3), DropPath(0.5, seed=3)
    a, b = (first(IMAGES, training=True).numpy() for _ in range(2))
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(second(IMAGES, training=True), a)
    np.testing.assert_array_equal(second(IMAGES, training=True), b)


@pytest.mark.parametrize("training", [False, None])
def test_off_at_inference(training):
    np.testing.assert_array_equal(DropPath(0.9)(IMAGES, training=training), IMAGES)


def test_rate_of_zero_changes_nothing():
    np.testing.assert_array_equal(DropPath(0.0)(IMAGES, training=True), IMAGES)


def test_the_rate_can_be_set_later():
    layer = DropPath(0.0, seed=0)
    layer.rate.assign(0.75)
    got = layer(IMAGES, training=True).numpy()
    assert abs((got[:, 0, 0, 0] == 0).mean() - 0.75) < 0.03
    np.testing.assert_allclose(got.max(), 4 * IMAGES[got[:, 0, 0, 0] != 0].max(), rtol=1e-6)


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan")])
def test_bad_rates(rate):
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got"):
        DropPath(rate)


def test_half_precision():
    layer = DropPath(0.5, dtype="mixed_bfloat16", seed=0)
    got = layer(IMAGES, training=True)
    assert got.dtype == "bfloat16" and layer.rate.dtype == "float32"


def test_file(tmp_path):
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, DropPath(0.25, seed=7)(inputs))
    model.layers[1].rate.assign(0.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[1]
    assert (loaded.seed, float(loaded.rate)) == (7, 0.5)
    assert loaded.get_config()["rate"] == 0.25


class TestInCells:
    def chains(self, **kwargs):
        cell = genotypes.get("DARTS_V2")["normal"]
        layer = Cell(cell.nodes, cell.concat, 4, **kwargs)
        return [chain for node in layer.nodes for chain in node]

    def test_not_behind_identities(self):
        chains = self.chains(drop_path=True)
        kinds = [[type(layer) for layer in chain] for chain in chains]
        skips = [kind for kind in kinds if kind[0] is operations.Identity]
        assert len(kinds) == 8 and len(skips) == 2
        assert all(kind == [operations.Identity] for kind in skips)
        assert all(kind[1:] == [DropPath] for kind in kinds if kind not in skips)

    def test_behind_strided_skips(self):
        chains = self.chains(drop_path=True, reduction=True)
        kinds = [[type(layer) for layer in chain] for chain in chains]
        assert [operations.FactorizedReduce, DropPath] in kinds

    def test_none_without_the_argument(self):
        assert all(len(chain) == 1 for chain in self.chains())


def test_schedule():
    inputs = keras.Input((2, 2, 3))
    model = keras.Model(inputs, DropPath()(DropPath()(inputs)))
    schedule = DropPathSchedule(0.2, epochs=5)
    schedule.set_model(model)
    for epoch, expected in enumerate([0, 0.04, 0.08, 0.12, 0.16]):
        schedule.on_epoch_begin(epoch)
        rates = [float(layer.rate) for layer in model.layers[1:]]
        np.testing.assert_allclose(rates, [expected] * 2, rtol=1e-6)
