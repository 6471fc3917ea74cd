import numpy as np
import pytest

from scripts import simulated_searches


class OneCell:
    """A table of four cells, of which the third is asked for."""

    def index(self, genotype):
        return 2


def test_a_cell_has_an_error_of_its_own_and_one_of_each_rung():
    known = np.array([70.0, 71.0, 72.0, 73.0])
    drawn = simulated_searches.Drawn(known, OneCell(), None, seed=5, seconds=9.0)
    shared = np.random.default_rng(5).normal(0, simulated_searches.SHARED, 4)[2]
    for rung, deviation in ((0, 3.0), (1, 2.0), (3, 1.0), (5, 1.0)):
        own = np.random.default_rng([5, 8, rung]).normal(0, deviation)
        expected = (72 + shared + own) / 100
        assert drawn.train(8, None, rung)["score"] == pytest.approx(expected)
    # A rung's own steps are 1, 2 and 6 times those of the first.
    assert [drawn.work(None, rung) for rung in range(3)] == [9, 18, 54]


def test_summary_by_hand():
    values = {
        (9.0, 0): {"present": (1, 2, 3), "first 10": (2, 4, 3)},
        (9.0, 1): {"present": (3, 2, 3), "first 10": (6, 4, 3)},
        # A seed that not all have is left out.
        (9.0, 2): {"first 10": (100, 100, 100)},
        (20.0, 0): {"first 10": (1, 1, 1)},
        (20.0, 1): {"first 10": (2, 3, 5)},
    }
    rows = [
        {"seconds": seconds, "seed": seed, "proposals": name}
        | dict(zip(("found", "best_tried", "latest_tried"), numbers, strict=True))
        for (seconds, seed), each in values.items()
        for name, numbers in each.items()
    ]
    lines = simulated_searches.summary(rows).splitlines()
    # Differences of 1 and 3: their deviation is the root of 2, of their mean 1.
    assert lines[1:] == [
        "9,present,2,2.00,2.00,3.00,0.00,0.00,0.00",
        "9,first 10,2,4.00,4.00,3.00,1.00,0.00,0.00",
        "20,first 10,2,1.50,2.00,3.00,0.00,0.00,0.00",
    ]
