import itertools

import pytest

from darts_tf import genotypes, spaces
from darts_tf.budget.constraints import Constraints, CountedCosts
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.genotypes import CellGenotype, Edge
from darts_tf.networks import build_network

COSTS = {"parameters": 1000, "multiply_adds": 5000, "latency_ms": 2.5}


def test_broken():
    assert Constraints().broken(COSTS) is None
    assert Constraints(1000, 5000, 2.5).broken(COSTS) is None
    assert Constraints(999, 4999).broken(COSTS) == "parameters"
    assert Constraints(latency_ms=2.4).broken(COSTS) == "latency_ms"
    # Before it is measured.
    assert Constraints(latency_ms=2.4).broken({"parameters": 1}) is None


def test_an_impossible_limit_is_refused_with_the_smallest_cost():
    with pytest.raises(UserError, match=r"--max_parameters=900 is impossible.* has 1,000 weights"):
        Constraints(900).refuse(COSTS)
    with pytest.raises(UserError, match=r"--max_latency_ms=2 is .* has 2.5 ms an image"):
        Constraints(latency_ms=2).refuse(COSTS)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_is_above_0(limit):
    with pytest.raises(UserError, match="--max_flops=.* above 0"):
        Constraints(multiply_adds=limit)


@pytest.fixture(scope="module")
def tiny(tiny_space):
    return spaces.get(tiny_space), CountedCosts(tiny_space, (8, 8, 3), 5, 4, 3)


class TestCounted:
    def test_a_genotype_costs_what_its_network_does(self, tiny):
        space, costs = tiny
        for seed in range(2):
            genotype = genotypes.sample(space, seed)
            network = build_network(genotype, (8, 8, 3), 5, 4, 3)
            assert costs(genotype) == {
                "parameters": counted.parameters(network),
                "multiply_adds": counted.multiply_adds(network),
            }

    def test_a_supernet_has_every_operation_once(self, tiny):
        space, costs = tiny
        # Two operations beside none: what one genotype has, another one has not.
        one = genotypes.sample(space, 0)
        cells = {
            name: CellGenotype(
                tuple(
                    tuple(
                        Edge(next(o for o in space.operations[1:] if o != e.operation), e.source)
                        for e in edges
                    )
                    for edges in cell.nodes
                ),
                cell.concat,
            )
            for name, cell in one.cells.items()
        }
        other = genotypes.Genotype(space, cells)
        for name, found in costs.of_all_operations().items():
            fixed = costs._tables[name].fixed
            assert found == costs(one)[name] + costs(other)[name] - fixed

    def test_none_is_cheaper_than_the_cheapest(self, tiny):
        space, costs = tiny
        every = {genotypes.sample(space, seed) for seed in range(200)}
        # Two operations on each of two edges of both cells.
        assert len(every) == len(list(itertools.product("ab", repeat=4)))
        for name in ("parameters", "multiply_adds"):
            least = min(costs(genotype)[name] for genotype in every)
            assert costs(costs_cheapest := costs.cheapest(name))[name] == least
            assert costs_cheapest in every

    def test_of_operations_that_cost_nothing_the_quickest(self):
        costs = CountedCosts("nas_bench_201", (8, 8, 1), 2, 2, 3)
        assert {e.operation for e in costs.cheapest()["normal"].edges} == {"none"}
        costs = CountedCosts("darts_cnn", (8, 8, 1), 2, 4, 3)
        assert {e.operation for e in costs.cheapest()["normal"].edges} == {"skip_connect"}
