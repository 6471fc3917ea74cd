"""The step of a search of a supernet, from its parts."""

from darts_tf import gradients
from darts_tf.runtime import optimizers
from darts_tf.search.player import Player
from darts_tf.search.step import SearchStep
from darts_tf.supernets.weight_passes import WeightPasses
from tests.supernets.tiny import BATCHES

#: Below the norms of these supernets' gradients.
CLIP_NORM = 0.5


def make_step(
    problem,
    gradient,
    weight,
    architecture,
    *,
    clip_norm=CLIP_NORM,
    architecture_clip_norm=None,
    **options,
):
    """A step with optimizers that it builds."""
    supernet = problem.supernet
    players = [
        Player(
            "architecture",
            supernet.architecture_variables,
            architecture,
            "validation",
            architecture_clip_norm,
        ),
        Player(
            "weights",
            supernet.weight_variables,
            weight,
            "train",
            clip_norm,
            passes=WeightPasses(problem),
        ),
    ]
    for player in players:
        player.optimizer.build(player.variables)
    return SearchStep(problem, players, gradient, **options)


def run_steps(problem, name="first_order", weight_rate=0.1, architecture_rate=0.01, steps=1):
    """The results of so many steps, with momentum and L2 of their own for each level."""
    weight = optimizers.SGD(weight_rate, 0.9, l2=0.02)
    architecture = optimizers.Adam(
        architecture_rate, beta_1=0.5, beta_2=0.999, epsilon=1e-8, l2=0.03
    )
    step = make_step(problem, gradients.get(name), weight, architecture)
    return [step(BATCHES) for _ in range(steps)]
