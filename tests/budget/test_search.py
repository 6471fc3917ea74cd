import contextlib
import json

import numpy as np
import pytest

from darts_tf.budget import equivalence, halving, work
from darts_tf.budget.clock import ReferenceClock
from tests.budget import fakes


class TestBudget:
    @pytest.mark.parametrize("budget", [12, 40, 150])
    def test_it_is_spent_and_not_exceeded(self, budget):
        search, evaluator, best = fakes.ran(budget=budget, proposals="random")
        # The cheapest step takes 1 s, and 15 % are for a step that takes longer than those before.
        assert budget - 12 <= search.spent <= budget
        assert evaluator.now == search.spent
        assert best is search.candidates[best.number]

    def test_steps_that_become_slower_stay_within_5_percent(self):
        evaluator = fakes.FakeEvaluator()
        search, plain = fakes.search(evaluator, budget=200), evaluator.train

        def train(number, genotype, rung):
            before = evaluator.now
            found = plain(number, genotype, rung)
            evaluator.now += (evaluator.now - before) * 0.002 * before
            return found

        evaluator.train = train
        search.run()
        assert 180 <= search.spent <= 210

    def test_the_first_candidate_is_trained_whatever_the_budget(self):
        search, evaluator, best = fakes.ran(budget=0.5)
        assert evaluator.done == [(0, 0)] and best.number == 0

    def test_more_budget_begins_with_the_same_steps(self):
        steps = {budget: fakes.ran(budget=budget)[1].done for budget in (40, 120)}
        same = int(0.7 * len(steps[40]))
        assert steps[120][:same] == steps[40][:same]

    def test_in_the_end_no_candidate_starts(self):
        search, _, _ = fakes.ran(budget=100)
        late = [r for r in search._journal.records if r["spent"] - r["seconds"] >= 60]
        assert late and all("genotype" not in record for record in late)

    @pytest.mark.parametrize("proposals", ["evolution", "predicted"])
    def test_where_nobody_goes_on_candidates_start_to_the_end(self, proposals):
        search, _, _ = fakes.ran(proposals=proposals, rungs=1, budget=100)
        *_, last = search._journal.records
        assert "genotype" in last and 100 - last["spent"] < 1.15 * last["seconds"]


class TestWork:
    """Budgets of work, which the time that it takes does not change."""

    def ran(self, **options):
        evaluator = fakes.FakeEvaluator()
        clock = ReferenceClock()
        search = fakes.search(evaluator, clock=clock, proposals="random", **options)
        search.run()
        return search.candidates, search._journal.records

    def test_it_is_spent_and_the_same_whatever_the_load(self):
        candidates, records = self.ran(budget=40)
        assert records[-1]["spent"] <= 40 and records[-1]["spent"] > 38
        assert records[0]["begun"] and records[0]["seconds"] == 0
        for record in records[1:]:
            genotype = candidates[record["candidate"]].genotype
            expected = fakes.FakeEvaluator().work(genotype, record["rung"])
            assert record["seconds"] == pytest.approx(expected, abs=1e-3)
        assert self.ran(budget=40) == (candidates, records)

    def test_networks_that_are_measured_and_refused_are_work(self):
        _, records = self.ran(budget=30, refuse=lambda costs: "latency_ms")
        assert {record["seconds"] for record in records[1:]} == {work.NETWORK}
        assert records[-1]["spent"] == 30


class TestResults:
    def test_it_finds_more_with_more(self):
        means = [
            np.mean([fakes.quality(fakes.ran(budget=b, seed=s)[2].genotype) for s in range(3)])
            for b in (15, 50, 100)
        ]
        assert means[0] <= means[1] <= means[2]
        assert means[2] > 0.85  # a random one has 0.5

    def test_prediction_beats_random_candidates(self):
        found = {
            name: np.mean(
                [fakes.quality(fakes.ran(proposals=name, seed=s)[2].genotype) for s in range(3)]
            )
            for name in ("predicted", "random")
        }
        assert found["predicted"] > found["random"] + 0.05

    def test_no_function_is_tried_twice(self):
        for name in ("predicted", "random", "evolution"):
            search, _, _ = fakes.ran(proposals=name)
            keys = {equivalence.key(c.genotype) for c in search.candidates}
            assert len(keys) == len(search.candidates) > 15

    def test_a_search_without_halving_has_one_rung(self):
        search, evaluator, _ = fakes.ran(proposals="evolution", rungs=1, budget=30)
        assert {rung for _, rung in evaluator.done} == {0}

    def test_the_best_is_of_the_highest_rung(self):
        search, _, best = fakes.ran(budget=150, proposals="random")
        highest = max(len(c.scores) for c in search.candidates)
        assert len(best.scores) == highest >= 3
        rivals = [c.scores[-1] for c in search.candidates if len(c.scores) == highest]
        assert best.scores[-1] == max(rivals)

    def test_in_the_end_a_rung_is_opened_for_two(self):
        search, evaluator, _ = fakes.ran(budget=240, proposals="random")
        # First the best of the second rung have gone on to the third; a step of the fourth takes
        # 27 s, and two of them fit.
        assert [len(rung) for rung in search._rungs()][3:] == [2, 0, 0]
        steps = [rung for _, rung in evaluator.done]
        first = steps.index(3)
        assert steps[first - 2 : first + 2] == [2, 2, 3, 3]
        search, _, _ = fakes.ran(budget=100, proposals="random")
        # Into the last 40 s only one would.
        assert not search._rungs()[3] and len(search._rungs()[2]) >= 2

    def test_ranking(self):
        search, _, best = fakes.ran(budget=60, proposals="random")
        ranking = search.ranking()
        assert ranking[0] is best and {c.number for c in ranking} == set(range(len(ranking)))
        keys = [(len(c.scores), c.scores[-1]) for c in ranking]
        assert keys == sorted(keys, reverse=True)

    def test_estimates_are_nearer_to_the_truth_than_noisy_scores(self):
        found = []
        for seed in range(4):
            search = fakes.search(fakes.FakeEvaluator(noise=0.15), budget=40, seed=seed)
            search.run()
            truth = [fakes.quality(c.genotype) for c in search.candidates]
            scores = [score for _, score in search.history()]
            ranks = search._ranks()[0]
            estimates = [ranks[c.number] for c in search.candidates]
            found.append([np.corrcoef(truth, values)[0, 1] for values in (scores, estimates)])
        found = np.mean(found, axis=0)
        assert found[1] > found[0] + 0.05


class TestGoingOn:
    @pytest.mark.parametrize("proposals", ["predicted", "evolution"])
    def test_killed_twice_it_finds_the_same(self, tmp_path, proposals):
        whole, _, expected = fakes.ran(path=tmp_path / "whole.jsonl", proposals=proposals)
        path, done = tmp_path / "parts.jsonl", []
        for dies_in in (7, 9, None):
            evaluator = fakes.FakeEvaluator(dies_in)
            search = fakes.search(evaluator, path, proposals=proposals)
            # Only what begins a process takes longer, which a fake one does at its first step.
            evaluator.now -= 2 * bool(done)
            with contextlib.suppress(KeyboardInterrupt):
                best = search.run()
            done += evaluator.done
        assert best.number == expected.number and best.genotype == expected.genotype
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert done == [(r["candidate"], r["rung"]) for r in records if "rung" in r]
        assert len(records) == len(whole._journal.records)
        for one, other in zip(records, whole._journal.records, strict=True):
            changes = {"seconds", "spent"}
            assert {k: v for k, v in one.items() if k not in changes} == {
                k: v for k, v in other.items() if k not in changes
            }

    def test_a_line_that_was_being_written_is_no_record(self, tmp_path):
        path = tmp_path / "candidates.jsonl"
        fakes.ran(path=path, budget=20)
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:4]) + lines[4][:30])
        search = fakes.search(fakes.FakeEvaluator(), path, budget=20)
        assert len(search._journal.records) == 4
        assert path.read_text() == "".join(lines[:4])

    def test_a_finished_search_is_not_begun_again(self, tmp_path):
        path = tmp_path / "candidates.jsonl"
        fakes.ran(path=path, budget=20)
        before = path.read_bytes()
        _, evaluator, best = fakes.ran(path=path, budget=20)
        assert evaluator.done == [] and best is not None and path.read_bytes() == before


def test_half_of_the_rank_is_the_own_score_from_the_second_rung_on():
    search = fakes.search(fakes.FakeEvaluator(noise=0.1), budget=60)
    search.run()
    first, second = search._ranks()[:2]
    history = search.history()
    assert len(second) > 1
    for number, rank in second.items():
        expected = 0.5 * (history[number][1] + first[number])
        assert rank == pytest.approx(expected, abs=1e-9)


def test_a_training_that_came_apart_is_not_gone_on_with_and_no_result():
    class ComesApart(fakes.FakeEvaluator):
        def train(self, number, genotype, rung):
            found = super().train(number, genotype, rung)
            return found | ({"score": float("nan")} if rung or number % 5 == 0 else {})

    evaluator = ComesApart()
    search = fakes.search(evaluator, budget=60)
    best = search.run()
    # Nobody has come through the second rung, so that the best is of the first.
    assert best.scores[-1] > -1 and len(best.scores) == 1
    assert not any(rung and number % 5 == 0 for number, rung in evaluator.done)
    # Where there is nobody else, one of them is what was found.
    evaluator.train = lambda *step: {"score": float("nan")}
    search = fakes.search(evaluator, budget=1)
    evaluator.now = 100.0
    assert search.run().number == 0


def test_scores_of_different_rungs_become_comparable():
    evaluator = fakes.FakeEvaluator()
    search = fakes.search(evaluator, proposals="random", budget=40)
    search.run()
    # Each score is q (1 - 1 / (2 + 2 r)).
    gains = halving.gains(search._rungs(), -1e9)
    rungs = search._rungs()
    for r in range(1, sum(map(bool, rungs))):
        expected = np.median([rungs[r][n] - rungs[r - 1][n] for n in rungs[r]])
        assert gains[r] == pytest.approx(expected)
    candidate = next(c for c in search.candidates if len(c.scores) == 1)
    score = search.history()[candidate.number][1]
    assert score == pytest.approx(candidate.scores[0] + sum(gains[1:]))
