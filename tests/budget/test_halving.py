from typing import ClassVar

import pytest

from darts_tf.budget import halving


@pytest.fixture
def unlimited(monkeypatch):
    """A rung may have as many steps as it likes."""
    monkeypatch.setattr(halving, "FEWER", 0)


def test_steps_grow_by_three():
    assert [halving.steps(rung, 80) for rung in range(4)] == [80, 240, 720, 2160]


def test_nobody_goes_on_before_a_third_of_the_rung_is_one(unlimited):
    few, many = {0: 0.5, 1: 0.9}, {0: 0.5, 1: 0.9, 2: 0.6}
    assert list(halving.promotable([few, {}])) == []
    assert list(halving.promotable([many, {}])) == [(1, 1)]
    assert list(halving.promotable([many, {1: 0.95}])) == []


def test_the_highest_rung_and_the_best_come_first(unlimited):
    lowest = {n: n / 10 for n in range(9)}
    middle = {8: 0.91, 7: 0.95, 6: 0.92}
    # The best of the middle rung; the three best of the lowest are there already.
    assert list(halving.promotable([lowest, middle, {}])) == [(7, 2)]
    # With a new one in the lowest rung that is better than number 6.
    found = [{**lowest, 9: 0.65}, {8: 0.91, 7: 0.95}, {}]
    assert list(halving.promotable(found)) == [(9, 1)]


def final(rungs, opens):
    return halving.final(rungs, lambda *two: opens)


class TestFinal:
    LOWEST = {n: n / 10 for n in range(16)}

    def test_the_highest_rung_is_filled_then_the_next_then_those_below(self):
        second = {n: n / 10 for n in range(12, 16)}
        rungs = [self.LOWEST, second, {15: 0.5, 12: 0.4}, {}]
        # A quarter of four, but two at least, one of which is there; two begin the next rung. Then
        # half of four and half of 16 for those below.
        below = [(14, 2), *((n, 1) for n in (11, 10, 9, 8))]
        assert list(final(rungs, True)) == [(14, 2), (15, 3), (12, 3), *below]
        assert list(final(rungs, False)) == [(14, 2), *below]
        # With a single one in the third rung nobody begins the fourth.
        assert list(final([*rungs[:2], {15: 0.5}, {}], True)) == [(14, 2), *below]

    def test_two_go_on_however_few_there_are(self):
        rungs = [{0: 0.1, 1: 0.3, 2: 0.2}, {}, {}]
        assert list(final(rungs, True)) == [(1, 1), (2, 1)]
        assert list(final(rungs, False)) == []
        assert list(final([{0: 0.1}, {}], True)) == []

    def test_there_is_no_rung_above_the_last(self):
        rungs = [self.LOWEST, dict(list(self.LOWEST.items())[8:])]
        assert list(final(rungs, True)) == []


def test_of_equals_the_earliest():
    assert halving.ranked({2: 0.5, 0: 0.5, 1: 0.7}) == [1, 0, 2]


class TestLeader:
    SCORES: ClassVar = {0: 0.50, 1: 0.53, 2: 0.52, 3: 0.40}

    def leader(self, known, deviation):
        shown = {number: (score, deviation) for number, score in self.SCORES.items()}
        return halving.leader(self.SCORES, known, shown)

    def test_is_the_best(self):
        assert self.leader((), 0.1) == self.leader((1, 2), 0.1) == 1

    def test_is_a_known_one_unless_it_is_behind_by_more_than_a_difference_is_uncertain(self):
        assert self.leader((0, 3), 0.03 / 2**0.5 + 1e-9) == 0
        assert self.leader((0, 3), 0.03 / 2**0.5 - 1e-9) == 1
        assert self.leader((0, 2), 0.1) == 2

    def test_of_equals_the_known_one_leads_without_any_deviation(self):
        assert halving.leader({0: 0.5, 1: 0.5}, (1,), dict.fromkeys((0, 1), (0.5, 0.0))) == 1

    def test_it_is_the_scores_that_are_compared_not_the_ranks(self):
        ranks, shown = {0: 0.50, 1: 0.51}, {0: (0.40, 0.01), 1: (0.52, 0.01)}
        assert halving.leader(ranks, (0,), shown) == 1
        assert halving.leader(ranks, (0,), shown | {0: (0.51, 0.01)}) == 0


def test_gains_are_medians_of_those_who_have_reached_a_rung():
    rungs = [{0: 0.1, 1: 0.2, 2: 0.3, 3: -1e9}, {0: 0.2, 1: 0.5, 3: 0.1}, {}]
    assert halving.gains(rungs, -1e9) == pytest.approx([0.0, 0.2])
    assert halving.gains([{}, {}], -1e9) == [0.0]


def test_scores_of_all_rungs_compare():
    gains = [0.0, 0.2, 0.1]
    scores = [[0.1], [0.2, 0.5], [0.3, 0.4, 0.6], [], [-1e9], [0.2, -1e9]]
    expected = [0.4, 0.6, 0.6, 0.4, 0.4, 0.4]
    assert halving.projected(scores, gains, -1e9) == pytest.approx(expected)
    assert halving.projected([[], [-1e9]], gains, -1e9) == [0.0, 0.0]


def rungs_of(count):
    """What `count` new candidates, the later the better, come to with promotions in between."""
    rungs, order = [{}, {}, {}, {}], []
    for number in range(count):
        rungs[0][number] = number
        order.append((number, 0))
        while step := next((s for s in halving.promotable(rungs) if s[1] < 3), None):
            rungs[step[1]][step[0]] = step[0]
            order.append(step)
    return rungs, order


def test_a_schedule_by_hand():
    rungs, order = rungs_of(9)
    assert order == [
        *[(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (4, 0), (5, 0), (6, 0), (7, 0), (7, 1), (8, 0)]
    ]
    # Steps of the first rung: 9, then 2 * 2 more, at most half of them. Without that limit each
    # would go on.
    assert [len(rung) for rung in rungs] == [9, 2, 0, 0]
    assert [len(rung) for rung in rungs_of(150)[0]] == [150, 37, 6, 0]


def test_a_rung_has_half_of_the_steps_of_the_one_before():
    rungs = [{n: n for n in range(24)}, {n: n for n in range(18, 24)}]
    # Six candidates of the second rung have 6 * 2 steps more, which is half of the first's 24, and
    # one of the third 6.
    assert list(halving.promotable(rungs)) == [(23, 2), (22, 2)]
    lowest = {n: n for n in range(23)}
    assert list(halving.promotable([lowest, rungs[1]])) == []
    assert list(halving.promotable([lowest, {22: 22}]))[0] == (21, 1)
