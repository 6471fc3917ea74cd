"""The best genotype that a budget of time finds, by training candidates from scratch.

Cheap evidence for many, dear evidence for few: a candidate begins with a short training of a small
network of it, and asynchronous successive halving (`halving`) decides who is trained on, each with
its weights so far; a model of all scores so far (`prediction`) proposes who comes next, and takes
part of the noise off the scores that candidates are ranked by.

**What decides.** Which step comes next is a function of the records of those before: scores, costs
and the seconds that they took, as they stand in the journal. A search that was killed goes on from
there, so whatever was done is never judged anew. Steps are the same whatever the budget, but for
those of its sources; the clock says after how many to stop, and, at the fixed share `FINALE` of the
budget, that no more candidates start. So two runs of one seed differ, if at all, by what the last
steps add, and a killed run no more than one on a busy machine. A step that a kill interrupts is
done again with the same seed; its seconds are lost, not counted.

**The budget.** A first training starts only if it fits by the dearest of the latest ones, a longer
one by what the same candidate took before. The first candidate is trained in any case.
"""

import functools
import random
from collections.abc import Callable, Collection, Sequence

from darts_tf.budget import equivalence, expectation, halving, work
from darts_tf.budget.candidate import NOTHING, Candidate, Evaluator, Source
from darts_tf.budget.clock import Clock, ReferenceClock
from darts_tf.budget.journal import Journal
from darts_tf.budget.proposals import Choice
from darts_tf.genotypes.genotype import Genotype

#: From this share of the budget on no candidate starts, and `halving.final` says who goes on.
FINALE = 0.6
#: A source of candidates takes at most this share of the budget.
SOURCE_SHARE = 0.2
#: From the second rung on a candidate is ranked by so much of its own score, the rest by the model.
OWN_SHARE = 0.5
# What a step may take beyond what is expected.
_MARGIN = 1.15


class BudgetedSearch:
    """A search that ends with its budget, and has a best genotype at every moment.

    Args:
        choice: what may be proposed.
        propose: how; one of `proposals.PROPOSALS`.
        evaluator: trains candidates.
        budget: seconds.
        clock: what is spent of them. One that goes on begins with `journal.records[-1]["spent"]`.
        journal: of an earlier start of this search, or empty.
        refuse: costs -> the name of the constraint that they break, or None.
        starts: genotypes that are tried first, and where they are from.
        known: those of these origins are known to be good from elsewhere; see `best`.
        sources: find such genotypes by work of their own, once one candidate is trained.
        seed: of all random choices.
        rungs: how many there are at most. With 1 nothing is halved.

    Attributes:
        candidates: all so far.
    """

    def __init__(
        self,
        choice: Choice,
        propose: Callable,
        evaluator: Evaluator,
        *,
        budget: float,
        clock: Clock | ReferenceClock,
        journal: Journal | None = None,
        refuse: Callable[[dict], str | None] = lambda costs: None,
        starts: Sequence[tuple[Genotype, str]] = (),
        known: Collection[str] = (),
        sources: Sequence[Source] = (),
        seed: int = 0,
        rungs: int = 6,
    ):
        self._choice, self._propose, self._evaluator = choice, propose, evaluator
        self._budget, self._clock, self._refuse = budget, clock, refuse
        self._journal = Journal() if journal is None else journal
        self._starts, self._seed, self._most = list(starts), seed, rungs
        self._known = frozenset(known)
        self._sources = sources
        self._estimated = -1, None
        # Whether nobody could be proposed any more: those that are there are all.
        self._exhausted = False
        self.candidates: list[Candidate] = []
        for record in self._journal.records:
            self._take(record)

    @property
    def best(self) -> Candidate | None:
        """The leader (`halving`) of the highest rung that anybody has reached; at first None."""
        if not (reached := [ranks for ranks in self._ranks() if ranks]):
            return None
        known = {c.number for c in self.candidates if c.origin in self._known}
        shown = {n: self.candidates[n].shown(len(reached) - 1) for n in reached[-1]}
        return self.candidates[halving.leader(reached[-1], known, shown)]

    def ranking(self) -> list[Candidate]:
        """The candidates that were trained: `best`, then the others of the highest rung first."""
        found = [n for rung in reversed(self._ranks()) for n in halving.ranked(rung)]
        first = [self.best.number] if found else []
        return [self.candidates[number] for number in dict.fromkeys([*first, *found])]

    @property
    def spent(self) -> float:
        """Seconds of the budget at the last record."""
        return self._journal.records[-1]["spent"] if self._journal.records else 0.0

    def run(self, after: Callable[[dict, "BudgetedSearch"], None] | None = None):
        """Goes on until the budget is spent.

        Args:
            after: called after every step with its record and the search.

        Returns:
            The best candidate; None if all break the constraints.
        """
        after = after or (lambda record, search: None)
        if not self._journal.records:
            # What was spent before the first step is none of what a step takes.
            self._add(self._timed({"begun": True}), after)
        while True:
            if (number := self._next_source()) is not None:
                self._ask(number, after)
            elif (step := self._next()) is not None:
                self._add(self._do(*step), after)
            else:
                return self.best

    def _add(self, record: dict, after: Callable) -> None:
        self._journal.add(record)
        self._take(self._journal.records[-1])
        after(record, self)

    def _next_source(self) -> int | None:
        """The number of the source whose turn it is; first there is a candidate."""
        ended = sum("starts" in record for record in self._journal.records)
        if self.best is None or ended == len(self._sources) or self._final:
            return None
        begun = any(record.get("source") == ended for record in self._journal.records)
        share = SOURCE_SHARE * self._budget
        # What it finds is of use only as long as candidates start; and its first part takes about
        # as long as two first trainings.
        first = self._expected(len(self.candidates), 0)
        fits = self.spent + share <= FINALE * self._budget and 2 * first <= share
        return ended if begun or fits else None

    def _ask(self, number: int, after: Callable) -> None:
        """Lets a source work, one part in any case; records what it does and what it has found."""

        def parts():
            return [r for r in self._journal.records if r.get("source") == number]

        def more() -> bool:
            seconds = [record["seconds"] for record in parts()]
            limit = SOURCE_SHARE * self._budget
            return sum(seconds) + _MARGIN * max(seconds, default=0) <= limit

        def tell(record: dict) -> bool:
            if record["epoch"] > len(parts()):
                self._add(self._timed({"source": number} | record, source.work), after)
            return record["epoch"] < len(parts()) or more()

        source = self._sources[number]
        found = source.run(len(parts()), more(), tell)
        found = [[genotype.to_dict(), origin] for genotype, origin in found]
        self._add(self._timed({"source": number, "starts": found}), after)

    def _next(self) -> tuple[int, int] | None:
        """The candidate and the rung of the next step; a new candidate's number is the next one."""
        if self.best is None:
            more = not self.candidates or self.spent < self._budget
            return (len(self.candidates), 0) if more and not self._exhausted else None
        rungs = self._ranks()
        steps = halving.final(rungs, self._fits) if self._final else halving.promotable(rungs)
        for number, rung in steps:
            if rung < self._most and self._fits((number, rung)):
                return number, rung
        # To the end where nobody has gone on: then new ones still change the result.
        starts = not self._final or not any(rungs[1:])
        new = len(self.candidates), 0
        return new if starts and not self._exhausted and self._fits(new) else None

    @property
    def _final(self) -> bool:
        return self.spent >= FINALE * self._budget or self._exhausted

    def _fits(self, *steps: tuple[int, int]) -> bool:
        """Whether steps, (candidate, rung), are done before the budget is spent."""
        seconds = sum(self._expected(*step) for step in steps)
        return self.spent + _MARGIN * seconds <= self._budget

    def _expected(self, number: int, rung: int) -> float:
        trained = (record for record in self._journal.records if "score" in record)
        steps = {(r["candidate"], r["rung"]): r["seconds"] for r in trained}
        return expectation.seconds(steps, number, rung)

    def _do(self, number: int, rung: int) -> dict:
        """One step; returns its record."""
        record = {"candidate": number, "rung": rung}
        if number == len(self.candidates):
            found = self._proposal(number)
            if found is None:
                return self._timed({"exhausted": True})
            genotype, origin = found
            costs = self._evaluator.costs(genotype)
            record |= {"origin": origin, "genotype": genotype.to_dict(), "costs": costs}
            if refused := self._refuse(costs):
                # Measured networks would be refused for ever where only trainings are counted.
                return self._timed(record | {"refused": refused}, lambda: work.NETWORK)
        else:
            genotype = self.candidates[number].genotype
        done = functools.partial(self._evaluator.work, genotype, rung)
        return self._timed(record | self._evaluator.train(number, genotype, rung), done)

    def _proposal(self, number: int):
        seen = {equivalence.key(candidate.genotype) for candidate in self.candidates}
        for genotype, origin in self._starts:
            if equivalence.key(genotype) not in seen and self._choice.allowed(genotype):
                return genotype, origin
        draw = random.Random(f"{self._seed} {number}")
        return self._propose(self._choice, self.history(), draw)

    def _timed(self, record: dict, done: Callable[[], float] = lambda: 0.0) -> dict:
        spent = self._clock.after(done)
        return record | {"seconds": round(spent - self.spent, 3), "spent": round(spent, 3)}

    def _take(self, record: dict) -> None:
        """Makes what a record says part of the state."""
        self._exhausted |= "exhausted" in record
        for genotype, origin in record.get("starts", ()):
            self._starts.append((Genotype.from_dict(genotype), origin))
        if "genotype" in record:
            self.candidates.append(
                Candidate(
                    record["candidate"],
                    Genotype.from_dict(record["genotype"]),
                    record["origin"],
                    record["costs"],
                    record.get("refused"),
                )
            )
        if "score" in record:
            self.candidates[record["candidate"]].take(record)

    def _rungs(self) -> list[dict[int, float]]:
        """For each rung who has reached it, number -> score.

        Those whose training came apart have reached nothing, unless there are no others.
        """
        trained = [c for c in self.candidates if c.scores]
        trained = [c for c in trained if c.scores[-1] > NOTHING] or trained
        return [
            {c.number: c.scores[rung] for c in trained if len(c.scores) > rung}
            for rung in range(self._most)
        ]

    def _ranks(self) -> list[dict[int, float]]:
        """The same with what candidates are ranked by, see `proposals`."""
        rungs, history, count = self._rungs(), self.history(), len(self._journal.records)
        if self._estimated[0] != count:
            # Nothing is known of those that were refused, so they teach nothing of the others.
            known = [history[number] for number in rungs[0]]
            found = self._propose.estimates(self._choice, known)
            found = None if found is None else dict(zip(rungs[0], map(float, found), strict=True))
            self._estimated = count, found
        estimates = self._estimated[1]
        if estimates is None:
            return rungs
        # What a longer training has shown is not all in what a model knows of its kind.
        own = [OWN_SHARE * (rung > 0) for rung in range(self._most)]
        return [
            {n: share * history[n][1] + (1 - share) * estimates[n] for n in rung}
            for share, rung in zip(own, rungs, strict=True)
        ]

    def history(self) -> list[tuple[Genotype, float]]:
        """The candidates, the oldest first, with what their scores at the highest rung would be."""
        gains = halving.gains(self._rungs(), NOTHING)
        scores = halving.projected([c.scores for c in self.candidates], gains, NOTHING)
        return [(c.genotype, score) for c, score in zip(self.candidates, scores, strict=True)]
