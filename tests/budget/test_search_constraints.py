"""Searches in which not every cell may be proposed or trained."""

import itertools
import random

from darts_tf import genotypes
from darts_tf.budget.proposals import Choice, RandomProposals
from tests.budget import fakes


class TestConstraints:
    def test_what_is_not_allowed_is_never_proposed(self):
        # One cell of 4096 has no 3x3 convolution and at most one of 1x1.
        def allowed(genotype):
            return fakes.costs(genotype)["parameters"] <= 1000

        for name in ("predicted", "random", "evolution"):
            search, _, _ = fakes.ran(allowed=allowed, proposals=name, budget=60)
            assert len(search.candidates) > 10
            assert all(c.costs["parameters"] == 1000 for c in search.candidates)

    def test_where_what_is_allowed_is_rare_it_is_not_looked_for_anew(self):
        asked = []

        def allowed(genotype):
            asked.append(genotype)
            edges = genotype["normal"].edges
            return {edge.operation for edge in edges} <= {"none", "skip_connect"}

        choice = Choice(fakes.SPACE, allowed, fakes.ALL_NONE, fakes.costs)
        found = list(itertools.islice(choice.draws(random.Random(0)), 100))
        assert all(map(allowed, found))
        # Of 64; each of them would be one of 244 that are drawn directly.
        assert len(set(found)) > 40
        assert len(asked) < 3000

    def test_where_most_is_allowed_draws_are_uniform(self):
        choice = Choice(fakes.SPACE, lambda genotype: True, fakes.ALL_NONE, fakes.costs)
        draw, again = random.Random(3), random.Random(3)
        found = list(itertools.islice(choice.draws(draw), 20))
        assert found == [genotypes.sample(fakes.SPACE, again.getrandbits(48)) for _ in range(20)]

    def test_the_refused_teach_nothing_of_the_others(self):
        class Told(RandomProposals):
            def estimates(self, choice, history):
                told.append(history)
                return [0.0 for _ in history]

        told, evaluator = [], fakes.FakeEvaluator()
        refuse = {1100: "latency_ms"}.get
        search = fakes.search(
            evaluator,
            budget=30,
            proposals=Told(),
            refuse=lambda costs: refuse(costs["parameters"]),
        )
        search.run()
        refused = {c.number for c in search.candidates if c.refused}
        trained = [c.genotype for c in search.candidates if c.scores]
        assert refused and [genotype for genotype, _ in told[-1]] == trained
        assert refused.isdisjoint(search._ranks()[0])

    def test_a_refusal_says_nothing_of_how_long_a_training_takes(self):
        def quiet(record, search):
            pass

        search = fakes.search(fakes.FakeEvaluator(), budget=100)
        search._add(
            {"candidate": 0, "rung": 0, "seconds": 9.0, "spent": 9.0, **self.known()}, quiet
        )
        for number in range(1, 12):
            record = {"candidate": number, "rung": 0, "refused": "latency_ms", **self.known(None)}
            search._add(record | {"seconds": 0.1, "spent": 9.0 + 0.1 * number}, quiet)
        assert search._expected(12, 0) == 9.0 and search._expected(0, 1) == 18.0

    def known(self, score=0.5):
        genotype = {"genotype": fakes.ALL_NONE.to_dict(), "origin": "random", "costs": {}}
        return genotype if score is None else genotype | {"score": score}

    def test_what_is_refused_when_it_is_built_is_not_trained(self):
        def refuse(costs):
            return "latency_ms" if costs["parameters"] > 1200 else None

        search, _, best = fakes.ran(refuse=refuse, starts=[(fakes.ALL_NONE, "cheapest")], budget=60)
        refused = [c for c in search.candidates if c.refused]
        assert refused and not any(c.scores for c in refused)
        assert search.candidates[0].origin == "cheapest"
        assert best.costs["parameters"] <= 1200

    def test_where_all_are_refused_there_is_no_best(self):
        evaluator = fakes.FakeEvaluator()
        plain = evaluator.costs

        def costs(genotype):
            evaluator.now += 1
            return plain(genotype)

        evaluator.costs = costs
        assert fakes.search(evaluator, refuse=lambda costs: "latency_ms", budget=10).run() is None

    def test_a_space_that_is_used_up_ends_the_search(self, one_edge_space):
        from darts_tf import spaces
        from darts_tf.budget.proposals import PROPOSALS
        from darts_tf.budget.search import BudgetedSearch

        space = spaces.get(one_edge_space)
        choice = Choice(space, lambda genotype: True, None, lambda genotype: {"multiply_adds": 10})
        evaluator = fakes.FakeEvaluator()
        evaluator.train = lambda *step: {"score": 1.0 * step[0]}
        clock = fakes.Clock(0.0, evaluator)
        search = BudgetedSearch(choice, PROPOSALS["random"], evaluator, budget=1e6, clock=clock)
        assert search.run().number == 1
        assert len(search.candidates) == 2
