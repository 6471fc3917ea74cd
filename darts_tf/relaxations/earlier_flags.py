"""Relaxations that were written with a flag for each thing the search had to know."""

from darts_tf.relaxations.ascent import Ascent
from darts_tf.relaxations.draws import Draws

FLAGS = ("random", "weights_only", "hard", "categorical")


def translate(kind: type) -> None:
    """Gives a class that defines flags the `draws` and the `adversary` that they stand for.

    A flag that it leaves out is as its base class has it.
    """
    if "ascent_steps" in vars(kind) and "adversary" not in vars(kind):
        kind.adversary = property(
            lambda self: Ascent(self.ascent_steps) if self.ascent_steps else None
        )
    given = [flag for flag in FLAGS if flag in vars(kind)]
    if not given or "draws" in vars(kind):
        return

    def draws(self) -> Draws:
        before = super(kind, self).draws
        flags = {flag: getattr(self, flag) for flag in given}
        only = before.only
        if not flags.get("random", before.any):
            only = ()
        elif flags.get("weights_only", before.differ):
            only = ("weights",)
        elif "random" in flags or "weights_only" in flags:
            only = None
        return Draws(
            only,
            flags.get("hard", before.single),
            not flags.get("categorical", not before.differentiable),
        )

    kind.draws = property(draws)
