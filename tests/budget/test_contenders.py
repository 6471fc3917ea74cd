import pytest

from darts_tf.budget import contenders
from darts_tf.budget.constraints import Constraints
from darts_tf.common.errors import UserError
from darts_tf.costs import counted

SHAPE = (8, 8, 3)


def test_costs_of_a_separable_network_by_hand():
    network = contenders.separable(SHAPE, 5, 2)
    # Channels 2, 2 | 2, 4 | 4, 8 of blocks; a normalisation has two weights a channel.
    pairs = [(2, 2), (2, 2), (2, 4), (4, 4), (4, 8), (8, 8)]
    blocks = sum(9 * a + 2 * a + a * b + 2 * b for a, b in pairs)
    assert counted.parameters(network) == 27 * 2 + 4 + blocks + 8 * 5 + 5
    pixels = [64, 64, 16, 16, 4, 4]
    blocks = sum(p * (9 * a + a * b) for p, (a, b) in zip(pixels, pairs, strict=True))
    assert counted.multiply_adds(network) == 64 * 27 * 2 + blocks + 8 * 5


def test_residual_network_has_logits():
    network = contenders.residual(SHAPE, 5, 2)
    assert network.output_shape == (None, 5)
    # 3x3 of 3 to 2 channels; blocks of 2 to 2, 2 to 4 and 4 to 8, the last two with a 1x1.
    kernels = 27 * 2 + 2 * 9 * 4 + (9 * 8 + 9 * 16 + 8) + (9 * 32 + 9 * 64 + 32)
    normalisations = 2 * (2 + 2 * 2 + 3 * 4 + 3 * 8)
    assert counted.parameters(network) == kernels + normalisations + 8 * 5 + 5


def make(channels):
    return contenders.separable(SHAPE, 5, channels)


class TestWidest:
    def test_one_channel_more_would_cost_too_much(self):
        most = contenders.costs(make(7))["multiply_adds"]
        channels, costs = contenders.widest(make, most, Constraints())
        assert channels == 7 and costs == contenders.costs(make(7))
        channels, _ = contenders.widest(make, most - 1, Constraints())
        assert channels == 6

    def test_limits_are_met(self):
        limit = contenders.costs(make(5))["parameters"]
        channels, costs = contenders.widest(make, 1e9, Constraints(parameters=limit + 1))
        assert channels == 5 and costs["parameters"] == limit

    def test_what_is_too_large_with_two_channels_is_refused(self):
        with pytest.raises(UserError, match="with two channels it has"):
            contenders.widest(make, 100, Constraints())
