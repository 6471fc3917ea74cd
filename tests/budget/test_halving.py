from darts_tf.budget import halving


def test_steps_grow_by_three():
    assert [halving.steps(rung, 80) for rung in range(4)] == [80, 240, 720, 2160]


def test_nobody_goes_on_before_a_third_of_the_rung_is_one():
    assert list(halving.promotable([{0: 0.5, 1: 0.9}, {}])) == []
    assert list(halving.promotable([{0: 0.5, 1: 0.9, 2: 0.6}, {}])) == [(1, 1)]
    assert list(halving.promotable([{0: 0.5, 1: 0.9, 2: 0.6}, {1: 0.95}])) == []


def test_the_highest_rung_and_the_best_come_first():
    lowest = {n: n / 10 for n in range(9)}
    middle = {8: 0.91, 7: 0.95, 6: 0.92}
    # The best of the middle rung; the three best of the lowest are there already.
    assert list(halving.promotable([lowest, middle, {}])) == [(7, 2)]
    # With a new one in the lowest rung that is better than number 6.
    found = list(halving.promotable([{**lowest, 9: 0.65}, {8: 0.91, 7: 0.95}, {}]))
    assert found == [(9, 1)]


def test_half_of_a_rung():
    assert list(halving.promotable([{0: 1, 1: 3, 2: 2, 3: 4}], share=2)) == [(3, 1), (1, 1)]


def test_of_equals_the_earliest():
    assert halving.ranked({2: 0.5, 0: 0.5, 1: 0.7}) == [1, 0, 2]


def test_leader_is_the_best_of_the_highest_rung():
    assert halving.leader([{}, {}]) is None
    assert halving.leader([{0: 0.9, 1: 0.3}, {1: 0.4}, {}]) == 1


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
        *[(0, 0), (1, 0), (2, 0), (2, 1), (3, 0), (3, 1)],
        *[(4, 0), (5, 0), (5, 1), (5, 2), (6, 0), (7, 0), (7, 1), (8, 0)],
    ]
    # Steps of the first rung: 9, then 4 * 2 more, then 6 more. Without that limit each would go on.
    assert [len(rung) for rung in rungs] == [9, 4, 1, 0]


def test_a_rung_has_no_more_steps_than_the_first():
    rungs = [{n: n for n in range(6)}, {2: 2, 3: 3, 5: 5}]
    # Four candidates of the second rung would have 4 * 2 steps more, and the first has 6.
    assert list(halving.promotable(rungs)) == [(5, 2)]
    assert list(halving.promotable(rungs, equal=False)) == [(5, 2), (4, 1)]
