import pytest

from darts_tf.relaxations import NO_DRAWS, Ascent, Draws, HardGumbel, Relaxation, Softmax


@pytest.mark.parametrize(
    "draws, anything, weights, architecture, differ",
    [
        (NO_DRAWS, False, False, False, False),
        (Draws(), True, True, True, False),
        (Draws(only=("weights",)), True, True, False, True),
        (Draws(only=("architecture",)), True, False, True, True),
    ],
)
def test_levels(draws, anything, weights, architecture, differ):
    assert (draws.any, draws.of("weights"), draws.of("architecture")) == (
        anything,
        weights,
        architecture,
    )
    assert draws.differ == differ


class Random(Relaxation):
    random = True


class NoLonger(HardGumbel):
    random = False


class OfWeights(Random):
    weights_only = True


class Sampled(Random):
    hard = True
    categorical = True


class Worst(Softmax):
    ascent_steps = 3


class Chosen(Softmax):
    """As `Worst`, but of the object."""

    def __init__(self, steps):
        self.steps = steps

    @property
    def ascent_steps(self):
        return self.steps


def test_flags_of_earlier_relaxations():
    assert Random().draws == Draws()
    assert NoLonger().draws == Draws(only=(), single=True)
    assert OfWeights().draws == Draws(only=("weights",))
    assert Sampled().draws == Draws(single=True, differentiable=False)
    assert Worst().adversary == Ascent(3) and Worst().draws == NO_DRAWS
    assert Chosen(5).adversary == Ascent(5) and Chosen(0).adversary is None
