"""The step of a search of a supernet, from its parts."""

from darts_tf.search.player import Player
from darts_tf.search.step import SearchStep
from darts_tf.supernets.weight_passes import WeightPasses


def make_step(
    problem,
    gradient,
    weight,
    architecture,
    *,
    clip_norm=0.5,
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
