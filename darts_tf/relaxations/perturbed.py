"""The relaxations of SDARTS: operation weights that are disturbed while the weights are trained."""

import dataclasses

import tensorflow as tf

from darts_tf.relaxations.ascent import Ascent, onto_simplex
from darts_tf.relaxations.draws import Draws
from darts_tf.relaxations.relaxation import Relaxation, masked


@dataclasses.dataclass(frozen=True)
class Perturbed(Relaxation):
    """A softmax with noise in the steps of the weights: the cells must do without exact alphas.

    SDARTS-RS: Chen, Hsieh, ICML 2020, equation 3. The weights are trained with

        softmax(alpha) + delta,  delta ~ Uniform(-radius, radius) for every entry,

    clipped to [0, 1] and divided by the sum of the row; the architecture with softmax(alpha) alone,
    which makes it prefer minima of the validation loss that are flat in alpha. The radius is what
    the variable `temperature` of the supernet holds, so that a schedule moves it.
    """

    temperature = 0.03
    draws = Draws(only=("weights",))

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        mixture = tf.nn.softmax(masked(space, cell_type, variables["alpha"]), axis=-1)
        if seed is None:
            return mixture
        delta = temperature * tf.random.stateless_uniform(mixture.shape, seed, -1.0, 1.0)
        return onto_simplex(mixture + delta, mixture, space.mask(cell_type))


@dataclasses.dataclass(frozen=True)
class Adversarial(Perturbed):
    """As `Perturbed`, with the delta in that box that raises the training loss most.

    SDARTS-ADV: Chen, Hsieh, ICML 2020, equation 4. A search step looks for it by `steps` steps of
    projected gradient ascent; see `darts_tf.relaxations.ascent`.

    Args:
        steps: default 7, the authors'.
    """

    steps: int = 7

    @property
    def adversary(self):
        return Ascent(self.steps) if self.steps else None

    def weights(self, space, cell_type, variables, temperature=None, seed=None):
        return super().weights(space, cell_type, variables)
