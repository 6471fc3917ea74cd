import itertools
import random
from collections import Counter

import pytest

from darts_tf import baselines, genotypes, spaces
from darts_tf.baselines import AgingEvolution, Candidate, RandomSearch
from darts_tf.common.errors import UserError
from darts_tf.genotypes import nas_bench_201

SPACE = spaces.NAS_BENCH_201


def convolutions(genotype) -> float:
    """A score with one best architecture: 3x3 convolutions everywhere."""
    return sum(edge.operation == "nor_conv_3x3" for edge in genotype["normal"].edges)


def changes(before, after):
    """How many edges of one cell type differ."""
    return sum(
        len(set(before[t].nodes[n]) - set(node))
        for t, cell in after.cells.items()
        for n, node in enumerate(cell.nodes)
    )


class TestRun:
    @pytest.mark.parametrize("name", baselines.BASELINES)
    def test_one_seed_one_result_and_another_for_another(self, name):
        runs = [
            baselines.run(baselines.get(name), SPACE, convolutions, 25, seed) for seed in (3, 3, 4)
        ]
        assert runs[0] == runs[1] != runs[2]
        assert len(runs[0]) == 25

    @pytest.mark.parametrize("name", baselines.BASELINES)
    def test_a_resumed_run_equals_an_uninterrupted_one(self, name):
        baseline = baselines.get(name)
        whole = baselines.run(baseline, SPACE, convolutions, 25)
        for stop in (0, 4, 10, 17):
            part = baselines.run(baseline, SPACE, convolutions, stop)
            assert baselines.run(baseline, SPACE, convolutions, 25, history=part) == whole

    def test_nothing_is_evaluated_twice_to_go_on(self):
        seen = []
        part = baselines.run(RandomSearch(), SPACE, convolutions, 3)
        baselines.run(RandomSearch(), SPACE, lambda g: seen.append(g) or 0.0, 5, history=part)
        assert len(seen) == 2

    def test_best_is_the_earliest_of_equals(self):
        candidates = [Candidate(genotypes.sample(SPACE, i), s) for i, s in enumerate((1, 3, 3))]
        assert baselines.best(candidates) is candidates[1]

    def test_unknown_name(self):
        with pytest.raises(UserError, match="unknown baseline 'grid'; expected one of random"):
            baselines.get("grid")


class TestRandomSearch:
    def test_every_operation_is_as_likely_on_every_edge(self):
        candidates = baselines.run(RandomSearch(), SPACE, lambda g: 0.0, 2000)
        for e in range(6):
            counts = Counter(nas_bench_201.operations_of(c.genotype)[e] for c in candidates)
            chi_square = sum((counts[name] - 400) ** 2 / 400 for name in SPACE.operations)
            assert chi_square < 23.5  # 4 degrees of freedom: p = 1e-4.


class TestAgingEvolution:
    def test_it_begins_with_random_architectures_then_changes_one_edge(self):
        candidates = baselines.run(AgingEvolution(), SPACE, convolutions, 60)
        for i in range(10, 60):
            child = candidates[i].genotype
            parents = [c.genotype for c in candidates[i - 10 : i]]
            assert any(changes(parent, child) == 1 for parent in parents)

    def test_the_oldest_dies_even_if_it_is_the_best(self):
        best = Candidate(nas_bench_201.from_operations(["nor_conv_3x3"] * 6), 100.0)
        others = [
            Candidate(nas_bench_201.from_operations(["none"] * 6), float(i)) for i in range(3)
        ]
        evolution = AgingEvolution(population=3, tournament=3)
        child = evolution.propose(SPACE, [best, *others], random.Random(0))
        assert changes(others[0].genotype, child) == 1
        child = evolution.propose(SPACE, [*others, best], random.Random(0))
        assert changes(best.genotype, child) == 1

    def test_the_parent_is_the_best_of_the_tournament(self):
        # With a tournament of 2 out of 4 the worst candidate is never a parent, the best in half.
        names = SPACE.operations
        pool = [
            Candidate(nas_bench_201.from_operations([names[i]] * 6), float(i)) for i in range(4)
        ]
        evolution = AgingEvolution(population=4, tournament=2)
        parents = Counter()
        for seed in range(300):
            child = evolution.propose(SPACE, pool, random.Random(seed))
            parents[next(c.score for c in pool if changes(c.genotype, child) == 1)] += 1
        assert parents[0] == 0 and abs(parents[3] / 300 - 1 / 2) < 0.1
        assert abs(parents[1] / 300 - 1 / 6) < 0.08

    def test_it_beats_random_search(self):
        best = {
            name: sum(
                baselines.best(
                    baselines.run(baselines.get(name), SPACE, convolutions, 60, seed)
                ).score
                for seed in range(8)
            )
            for name in baselines.BASELINES
        }
        assert best["aging-evolution"] > best["random"] + 5

    @pytest.mark.parametrize("population, tournament", [(3, 4), (3, 0), (0, 0)])
    def test_bad_sizes(self, population, tournament):
        with pytest.raises(UserError, match=f"tournament is {tournament} and population"):
            AgingEvolution(population, tournament)


class TestMutate:
    def test_every_neighbour_is_reached_and_nothing_else(self):
        parent = nas_bench_201.from_operations(["none"] * 6)
        children = {baselines.mutate(SPACE, parent, random.Random(seed)) for seed in range(400)}
        expected = set()
        for e, name in itertools.product(range(6), SPACE.operations[1:]):
            names = ["none"] * 6
            names[e] = name
            expected.add(nas_bench_201.from_operations(names))
        assert children == expected

    def test_darts_cells_change_an_operation_or_a_source(self):
        parent = genotypes.get("DARTS_V2")
        kinds = Counter()
        for seed in range(60):
            child = baselines.mutate(spaces.DARTS_CNN, parent, random.Random(seed))
            assert changes(parent, child) == 1
            assert all(len(n) == 2 for cell in child.cells.values() for n in cell.nodes)
            sources = [[e.source for e in cell.edges] for cell in child.cells.values()]
            same = sources == [[e.source for e in cell.edges] for cell in parent.cells.values()]
            kinds["operation" if same else "source"] += 1
            assert all(e.operation != "none" for cell in child.cells.values() for e in cell.edges)
        assert kinds["operation"] > 15 and kinds["source"] > 15

    def test_candidates_of_the_edge_in_s1(self):
        space = spaces.get("s1")
        genotype = genotypes.sample(space, 0)
        for seed in range(30):
            genotype = baselines.mutate(space, genotype, random.Random(seed))
            for cell_type, cell in genotype.cells.items():
                candidates = space.choosable_on(cell_type)
                for node, edges in enumerate(cell.nodes):
                    for operation, source in edges:
                        (edge,) = (
                            e for e in space.edges_into(node) if space.edges[e].source == source
                        )
                        assert operation in candidates[edge]

    def test_a_single_architecture_has_no_neighbour(self):
        space = spaces.Space("single", ("skip_connect",), 1, 1, cell_types=("normal",))
        spaces.register(space)
        with pytest.raises(UserError, match="holds a single architecture"):
            baselines.mutate(space, genotypes.sample(space, 0), random.Random(0))
