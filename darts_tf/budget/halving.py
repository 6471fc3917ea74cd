"""Asynchronous successive halving: who is trained on, when candidates come one after the other.

Rung r is what a candidate has shown after `steps(r)` steps of training in all, `GROWTH` times as
many as in the rung before. A candidate goes on to the next rung as soon as it is among the best
third (`SHARE`) of those that have reached its rung; if nobody may, a new candidate starts. Li,
Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar, A System for Massively Parallel
Hyperparameter Tuning, MLSys 2020, algorithm 2, here with one worker. That rule is made for
candidates that are no better than those before. Where they become better, each is among the best
when it comes, so here a rung also has at most half of the steps of the rung before: where many
short trainings are averaged by a model (`prediction`), more of them tell more than a long one.

So who is trained on depends on the scores alone, never on a clock. In the end of a search, when no
candidate starts any more, it also depends on the time that is left: see `final`.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

#: A rung has so many times the steps of the rung before.
GROWTH = 3
#: One of so many goes on.
SHARE = 3
#: A rung has at most one of so many steps of the rung before.
FEWER = 2
#: In the end one of so many goes on to the highest rungs, but two at least.
FINAL_SHARE = 4


def steps(rung: int, first: int, growth: int = GROWTH) -> int:
    """Steps of training in all at the end of a rung: `first * growth**rung`."""
    return first * growth**rung


def work(rung: int) -> int:
    """Steps of a rung itself, in units of those of the first one: 1, 2, 6, 18 and so on."""
    return GROWTH**rung - (GROWTH ** (rung - 1) if rung else 0)


def promotable(rungs: Sequence[Mapping[int, float]]) -> Iterator[tuple[int, int]]:
    """Who may go on, from the highest rung down, the best of a rung first.

    Args:
        rungs: for each rung the candidates that have reached it, number -> score, larger is better.

    Yields:
        The number of a candidate, and the rung that it goes on to.
    """
    for rung in reversed(range(len(rungs))):
        reached = rungs[rung]
        best = ranked(reached)[: len(reached) // SHARE]
        higher = rungs[rung + 1] if rung + 1 < len(rungs) else {}
        needed = (len(higher) + 1) * work(rung + 1)
        if needed * FEWER ** (rung + 1) <= len(rungs[0]):
            yield from ((number, rung + 1) for number in best if number not in higher)


def final(
    rungs: Sequence[Mapping[int, float]], opens: Callable[..., bool]
) -> Iterator[tuple[int, int]]:
    """Who may go on in the end, when no candidate starts any more.

    First the best quarter of the rung before, but at least two, goes on to the highest rung; then
    to the next one, if it may be opened; then the best half goes on to those below, so that no time
    is left.

    Args:
        rungs: see `promotable`.
        opens: whether there is time for two trainings, each (number, rung). Nobody goes on alone to
            a rung where there is nobody to compare with.

    Yields:
        See `promotable`.
    """
    reached = sum(bool(scores) for scores in rungs)
    top = [reached - 1] if reached > 1 else []
    if reached < len(rungs) and len(rungs[reached - 1]) > 1:
        two = ranked(rungs[reached - 1])[:2]
        if opens(*((number, reached) for number in two)):
            top.append(reached)
    for share, targets in ((FINAL_SHARE, top), (2, range(reached - 1, 0, -1))):
        for rung in targets:
            before = rungs[rung - 1]
            best = ranked(before)[: max(2, len(before) // share)]
            yield from ((number, rung) for number in best if number not in rungs[rung])


def ranked(scores: Mapping[int, float]) -> list[int]:
    """The numbers by their scores, the best first, of equals the earliest."""
    return sorted(scores, key=lambda number: (-scores[number], number))


def leader(
    ranks: Mapping[int, float], known: Collection[int], shown: Mapping[int, tuple[float, float]]
) -> int:
    """The best of a rung, or the best known one beside it.

    The first of many is first by luck too (the winner's curse), which one that was good before is
    not. So the best of those that are known is preferred, unless its score is behind by more than
    the standard error of the difference, as if each was measured on images of its own.

    Args:
        ranks: number -> what they are ranked by, larger is better.
        known: numbers of those that are known to be good from elsewhere.
        shown: number -> score and its standard error.
    """
    first, *others = ranked(ranks)
    best = next((number for number in (first, *others) if number in known), first)
    (ahead, error), (behind, other) = shown[first], shown[best]
    return best if ahead - behind <= math.hypot(error, other) else first


def gains(rungs: Sequence[Mapping[int, float]], nothing: float) -> list[float]:
    """For each rung that was reached, the median gain of those who have; 0 for the first.

    Args:
        rungs: see `promotable`, with scores.
        nothing: that of a training that came apart, which is left out.
    """
    reached = [scores for scores in rungs if scores]
    found = [0.0]
    for before, after in zip(reached, reached[1:], strict=False):
        both = [after[n] - before[n] for n in after if min(after[n], before[n]) > nothing]
        found.append(float(np.median(both)) if both else 0.0)
    return found


def projected(
    scores: Sequence[Sequence[float]], gains: Sequence[float], nothing: float
) -> list[float]:
    """What scores at the highest rung would be, so that those of all candidates compare.

    To the score at the end of its last rung a candidate gets, for each rung that it has not
    reached, the median of what those gained who have. One that has none, or whose training came
    apart, has the lowest of all.

    Args:
        scores: of each candidate, at the end of each rung that it has reached.
        gains: see `gains`.
        nothing: see `gains`.
    """
    found = [
        own[-1] + sum(gains[len(own) :]) if own and own[-1] > nothing else None for own in scores
    ]
    least = min((score for score in found if score is not None), default=0.0)
    return [least if score is None else score for score in found]
