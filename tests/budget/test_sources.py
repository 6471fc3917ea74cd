"""Candidates that a budgeted search is given by something else that works first."""

import contextlib

from darts_tf import genotypes
from tests.budget import fakes


class TestSources:
    def best(self):
        best = max((genotypes.sample(fakes.SPACE, seed) for seed in range(200)), key=fakes.quality)
        assert fakes.quality(best) > 0.8
        return best

    def test_what_one_finds_comes_second(self):
        evaluator, genotype = fakes.FakeEvaluator(), self.best()
        source = fakes.FakeSource(evaluator, [], genotype)
        search = fakes.search(evaluator, sources=[source])
        search.run()
        assert evaluator.done[:5] == [(0, 0), *(("source", n) for n in (1, 2, 3)), (1, 0)]
        assert search.candidates[1].genotype == genotype
        assert search.candidates[1].origin == "source of 3"
        assert evaluator.now == search.spent <= 100
        assert [r["seconds"] for r in search._journal.records[2:6]] == [5, 5, 5, 0]

    def test_it_takes_no_more_than_its_share(self):
        evaluator = fakes.FakeEvaluator()
        source = fakes.FakeSource(evaluator, [], self.best(), parts=9)
        search = fakes.search(evaluator, sources=[source])
        search.run()
        # A fourth part would end at 20 s, or by its margin beyond a fifth of the budget.
        assert sum(number == "source" for number, _ in evaluator.done) == 3
        assert search.candidates[1].origin == "source of 3"

    def test_the_last_part_is_done_again_if_it_was_not_kept(self, tmp_path):
        path, kept = tmp_path / "journal.jsonl", []
        evaluator, genotype = fakes.FakeEvaluator(), self.best()
        source = fakes.FakeSource(evaluator, kept, genotype, parts=9)
        whole = fakes.search(evaluator, path, sources=[source])
        whole.run()
        assert kept == [1, 2, 3]
        # Killed after the part that was told last, of two that were not kept: as if the newest
        # checkpoint were damaged besides.
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:5]))
        kept = [1]
        evaluator = fakes.FakeEvaluator()
        source = fakes.FakeSource(evaluator, kept, genotype, parts=9)
        search = fakes.search(evaluator, path, sources=[source])
        search.run()
        assert evaluator.done[:2] == [("source", 2), ("source", 3)] and kept == [1, 2, 3]
        assert search.candidates[1].origin == "source of 3"
        assert [r["epoch"] for r in search._journal.records if "epoch" in r] == [1, 2, 3]

    def test_it_does_not_begin_when_candidates_no_longer_start_after_it(self):
        for seconds, begins in ((30, True), (60, False)):
            evaluator = fakes.FakeEvaluator()
            source = fakes.FakeSource(evaluator, [], self.best(), seconds=19)
            search = fakes.search(evaluator, sources=[source], budget=100)
            evaluator.now += seconds
            search.run()
            assert (("source", 1) in evaluator.done) == begins
            assert search.spent <= 100

    def test_it_does_not_begin_where_trainings_are_long(self):
        class Slow(fakes.FakeEvaluator):
            def train(self, number, genotype, rung):
                self.now += 3
                return super().train(number, genotype, rung)

        # A first training takes 4 s, the very first one 6; two are to be in a fifth of the budget.
        for budget, begins in ((60, True), (39, False)):
            evaluator = Slow()
            source = fakes.FakeSource(evaluator, [], self.best(), seconds=4)
            fakes.search(evaluator, sources=[source], budget=budget).run()
            assert (("source", 1) in evaluator.done) == begins

    def test_what_breaks_a_constraint_or_was_there_is_left_out(self):
        evaluator, genotype = fakes.FakeEvaluator(), self.best()
        sources = [fakes.FakeSource(evaluator, [], genotype, parts=1) for _ in range(2)]
        search = fakes.search(evaluator, sources=sources)
        search.run()
        assert [c.genotype for c in search.candidates].count(genotype) == 1
        evaluator = fakes.FakeEvaluator()
        source = fakes.FakeSource(evaluator, [], genotype)
        search = fakes.search(evaluator, sources=[source], allowed=lambda one: one != genotype)
        search.run()
        assert genotype not in [c.genotype for c in search.candidates]

    def test_killed_in_its_work_it_finds_the_same(self, tmp_path):
        evaluator = fakes.FakeEvaluator()
        source = fakes.FakeSource(evaluator, [], self.best())
        whole = fakes.search(evaluator, tmp_path / "whole.jsonl", sources=[source])
        expected, path, kept, done = whole.run(), tmp_path / "parts.jsonl", [], []
        for dies_in in (2, 1, 3, None):
            evaluator = fakes.FakeEvaluator(dies_in)
            source = fakes.FakeSource(evaluator, kept, self.best())
            search = fakes.search(evaluator, path, sources=[source])
            evaluator.now -= 2 * bool(done)
            with contextlib.suppress(KeyboardInterrupt):
                best = search.run()
            # What was told last was not kept, as if a kill had come in between.
            if dies_in == 1:
                kept.pop()
            done += evaluator.done
        assert best.genotype == expected.genotype
        # Seconds that a kill loses are not counted, so the finale may begin some steps later.
        numbers, others = (
            [
                (r.get("candidate"), r.get("rung"), r.get("epoch"))
                for r in one._journal.records
                if r["spent"] < 40
            ]
            for one in (search, whole)
        )
        both = min(len(numbers), len(others))
        assert numbers[:both] == others[:both] and both > 15
