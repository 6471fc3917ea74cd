import numpy as np
import pytest

from darts_tf.layers.activation_regularization import ActivationRegularization, Slowness

OUTPUTS = np.array([[[1.0, 2.0], [2.0, 4.0], [2.0, 1.0]]], "float32")


def test_the_mean_square():
    layer = ActivationRegularization(2.0)
    np.testing.assert_array_equal(layer(OUTPUTS, training=True), OUTPUTS)
    assert float(layer.losses[0]) == pytest.approx(2 * 30 / 6)


def test_the_mean_square_of_the_change():
    layer = Slowness(0.5)
    np.testing.assert_array_equal(layer(OUTPUTS, training=True), OUTPUTS)
    assert float(layer.losses[0]) == pytest.approx(0.5 * (1 + 4 + 0 + 9) / 4)


def test_one_step_has_no_change():
    layer = Slowness(0.5)
    layer(OUTPUTS[:, :1], training=True)
    assert float(layer.losses[0]) == 0.0


@pytest.mark.parametrize("kind", [ActivationRegularization, Slowness])
def test_nothing_is_added_without_a_factor_or_training(kind):
    for layer, training in ((kind(0.0), True), (kind(1.0), False)):
        layer(OUTPUTS, training=training)
        assert layer.losses == []
    assert kind.from_config(kind(0.3).get_config()).factor == 0.3
