import dataclasses

import pytest

from darts_tf import baselines, methods, spaces
from darts_tf.baselines import AgingEvolution, RandomSearch
from darts_tf.common.errors import UserError
from darts_tf.search import checks
from darts_tf.selections import Proposals


def skips(genotype):
    """A score: how many skip connections there are."""
    return sum(
        e.operation == "skip_connect" for cell in genotype.cells.values() for e in cell.edges
    )


@pytest.mark.parametrize("baseline", [RandomSearch(), "aging-evolution"])
def test_the_best_of_what_the_baseline_proposes(baseline):
    space = spaces.get("nas_bench_201")
    found = baselines.run(baselines.get(baseline), space, skips, 15, seed=3)
    best = Proposals(baseline)(space, skips, 15, seed=3)
    assert best == baselines.best(found) and best.score == skips(best.genotype)
    # With a part of them known already.
    assert Proposals(baseline)(space, skips, 15, 3, found[:9]) == best


@pytest.mark.parametrize("name, baseline", [("random", RandomSearch), ("aging-evolution", None)])
def test_rows_without_a_supernet(name, baseline):
    method = methods.get(name)
    method.check()
    assert method.relaxation is method.gradient is None
    assert not method.has_supernet and not method.trains
    assert isinstance(method.selection.baseline, baseline or AgingEvolution)
    with pytest.raises(UserError, match=f"'{name}' has no supernet: it proposes cells"):
        method.make_supernet("nas_bench_201", (4, 4, 1), 2)
    with pytest.raises(UserError, match=f"'{name}' searches without a supernet"):
        checks.check_trains(method)
    for changes in ({"relaxation": "softmax"}, {"selection": "magnitude"}):
        with pytest.raises(UserError, match="only a search without a supernet has the relax"):
            dataclasses.replace(method, **changes).check()


def test_a_baseline_of_ones_own_is_a_method(monkeypatch):
    class Own(RandomSearch):
        name = "own"

    monkeypatch.setattr(baselines.BASELINES, "_entries", dict(baselines.BASELINES))
    baselines.register(Own())
    assert isinstance(methods.get("own").selection.baseline, Own)
