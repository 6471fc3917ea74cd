"""How long a training will take, by those before."""

from collections.abc import Mapping

from darts_tf.budget import halving

# Of so many, because a machine may become slower or quicker.
_LATEST = 8


def seconds(steps: Mapping[tuple[int, int], float], number: int, rung: int) -> float:
    """The seconds of a training.

    Networks of one space differ by ten times, and a slow one must not keep quick ones from going
    on: who is trained on is expected to take as long as in its own rung before, for as many steps
    as there are, and as much longer than that as the worst of the latest of the rung took. Of a new
    candidate nothing is known, so that the dearest of the latest first trainings stands.

    Args:
        steps: (number, rung) -> seconds of the trainings so far, the oldest first; not empty.
        number: of the candidate.
        rung: that it is trained to the end of.
    """
    if rung:
        return max(1.0, _longer(steps, rung)) * _by_rung_before(steps, number, rung)
    (_, first), *others = steps.items()
    # The first one takes longer than all others; better than nothing.
    found = [taken for (_, at), taken in others if not at]
    return max(found[-_LATEST:], default=first)


def _longer(steps, rung: int) -> float:
    """How many times as long as by the rung before the worst took, in the latest rung with any."""
    for at in range(rung, 0, -1):
        latest = [step for step in steps if step[1] == at][-_LATEST:]
        pairs = [(steps[step], _by_rung_before(steps, *step)) for step in latest]
        if found := [taken / expected for taken, expected in pairs if expected]:
            return max(found)
    return 1.0


def _by_rung_before(steps, number: int, rung: int) -> float:
    return steps[number, rung - 1] * halving.work(rung) / halving.work(rung - 1)
