"""The search for the best network that a budget buys, put together."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from darts_tf import datasets, macros, methods, spaces
from darts_tf.budget import clock as clocks
from darts_tf.budget import same_search
from darts_tf.budget.candidate import Candidate
from darts_tf.budget.constraints import Constraints
from darts_tf.budget.image_candidates import ImageCandidates
from darts_tf.budget.journal import Journal
from darts_tf.budget.proposals import PROPOSALS, Choice
from darts_tf.budget.search import BudgetedSearch
from darts_tf.budget.size import Size
from darts_tf.common import files
from darts_tf.common.errors import UserError
from darts_tf.common.lookup import lookup
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.published import GENOTYPES

#: How a search decides, by the numbers of docs/auto_evidence.md. One by other rules does not go on:
#: its records would be judged in another way than they were made.
RULES = 12
#: What a search leaves in its folder.
JOURNAL, WEIGHTS = "candidates.jsonl", "weights"
#: Method of a supernet search -> the smallest budget in seconds that begins with it.
SUPERNETS = {"drnas": 600, "pc-darts": 1800}
#: So many published cells of the space are tried first.
PUBLISHED_CELLS = 3


@dataclasses.dataclass(frozen=True)
class Options:
    """How a search within a budget goes on.

    Attributes:
        budget_of: "processor": the time of all processors that this process uses; "wall": that of
            the clock; "reference": the work that trainings are, see `work`, which makes a search
            the same on every machine and under any load.
        proposals: who proposes candidates, see `proposals.PROPOSALS`.
        supernets: the methods of supernet searches that find the first candidates. Default: those
            of `SUPERNETS` for the budget where candidates are predicted, else none.
        published_cells: so many published cells of the space are the first candidates, those with
            the smallest error on CIFAR-10 first. Default: `PUBLISHED_CELLS` where candidates are
            predicted, else 0.
        rungs: at most; see `BudgetedSearch`. Default: what the proposals say.
        proxy: the small networks that candidates are judged by; aging evolution trains each of
            them for three times its steps.
        seed: of all random choices.
        crop, class_weights, stem: see `ImageCandidates`.
        folder: where the journal and the weights are; a search goes on from there, and another one
            is refused. None: nowhere.
        after: called after every step with its record and the search.
        since: what `time.process_time`, or for "wall" `time.perf_counter`, was when the budget
            began to be spent. Default: what it is at the call. 0.0 with the first counts the start
            of the process too. Of "reference" there is none.
    """

    budget_of: str = "processor"
    proposals: str = "predicted"
    supernets: tuple[str, ...] | None = None
    published_cells: int | None = None
    rungs: int | None = None
    proxy: Size | None = None
    seed: int = 0
    crop: bool = True
    class_weights: np.ndarray | None = None
    stem: str | None = None
    folder: str | pathlib.Path | None = None
    after: Callable[[dict, BudgetedSearch], None] | None = None
    since: float | None = None


@dataclasses.dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        best: the candidate that was found.
        candidates: all, in the order in which they came.
        seconds: spent.
        ranking: the genotypes of those that were trained, the best first.
    """

    best: Candidate
    candidates: list[Candidate]
    seconds: float
    ranking: list[Genotype] = dataclasses.field(default_factory=list)

    @property
    def genotype(self) -> Genotype:
        """The cells that were found."""
        return self.best.genotype


def search_for(
    data: datasets.ImageData,
    budget: str | float = "15m",
    space: str | spaces.Space = "darts_cnn",
    *,
    channels: int | None = None,
    cells: int | None = None,
    constraints: Constraints | None = None,
    **options,
) -> Found:
    """Searches the genotype whose network is the best that a budget of time finds.

    Args:
        data: the images, such as of `datasets.load` or `datasets.from_arrays`. The test images are
            not touched.
        budget: such as "15m", "90s", "1h30m", or seconds.
        space: a space of convolutional cells, or its name.
        channels, cells: of the network that is wanted. Default: those of a supernet, see
            `Macro.search_size`.
        constraints: the largest costs of that network, which the one that is found meets.
        **options: see `Options`.

    Raises:
        UserError: the budget is none, no network meets the constraints, the cells are no
            convolutional ones, or the folder holds another search.

    Example:
        >>> found = search_for(datasets.load("digits"), "2m", constraints=Constraints(300_000))
        >>> found.genotype.save("genotype.json")
    """
    given = Options(**options)
    now = lookup("budget", clocks.KINDS, given.budget_of)
    seconds, since = clocks.seconds(budget), now() if given.since is None else given.since
    space, limits = _convolutional(space), constraints or Constraints()
    macro = macros.get(space.macro)
    size = channels or macro.search_size[0], cells or macro.search_size[1]
    folder = None if given.folder is None else files.make_folder(given.folder)
    if folder is not None:
        begun = (folder / JOURNAL).exists()
        same_search.check(folder, _decisive(given, space, size, limits), data, begun)
    journal = Journal(None if folder is None else folder / JOURNAL)
    proposals = lookup("way to propose candidates", PROPOSALS, given.proposals)
    supernets = _supernets(given, seconds)
    evaluator = _evaluator(
        given,
        *(space, data, size),
        longer=proposals.longer,
        folder=None if folder is None else folder / WEIGHTS,
        measures_latency=limits.latency_ms is not None,
    )
    choice, starts = _choice(space, evaluator, limits, bool(journal.records))
    published = _published(given, choice)
    earlier = journal.records[-1]["spent"] if journal.records else None
    clock = clocks.start(given.budget_of, earlier, since)
    search = BudgetedSearch(
        choice,
        proposals,
        evaluator,
        budget=seconds,
        clock=clock,
        journal=journal,
        refuse=limits.broken,
        starts=published + starts,
        known=[name for _, name in published],
        sources=[evaluator.source(*one) for one in enumerate(supernets)],
        seed=given.seed,
        rungs=proposals.rungs if given.rungs is None else given.rungs,
    )
    best = search.run(given.after)
    if best is None:
        raise UserError(
            f"none of {len(search.candidates)} networks met the constraints within the budget"
        )
    ranking = [candidate.genotype for candidate in search.ranking()]
    return Found(best, search.candidates, clock.spent, ranking)


def _decisive(given: Options, space, size, limits: Constraints) -> dict:
    """What decides the steps of a search, but for its data and budget."""
    others = ("folder", "after", "since", "class_weights", "proxy")
    weights = None if given.class_weights is None else np.asarray(given.class_weights).tolist()
    return {
        "rules": RULES,
        "space": space.name,
        "operations": {name: space.choosable_on(name) for name in space.cell_types},
        "size": size,
        "limits": vars(limits),
        "proxy": None if given.proxy is None else vars(given.proxy),
        "class_weights": weights,
        **{name: value for name, value in vars(given).items() if name not in others},
    }


def _convolutional(space) -> spaces.Space:
    """The space, whose networks can be compared."""
    space = spaces.get(space)
    if space.kind != "convolutional":
        raise UserError(
            f"the space {space.name!r} is of {space.kind} cells; candidates within a budget are "
            "compared by short trainings of image networks of one size, and recurrent ones, which "
            "carry a state from batch to batch, need another evaluator; use a method of METHODS"
        )
    return space


def _evaluator(given: Options, *data, longer: int, **options) -> ImageCandidates:
    """Who trains candidates, for so many times the steps of the small networks' default."""
    proxy = Size() if given.proxy is None else given.proxy
    return ImageCandidates(
        *data,
        proxy=dataclasses.replace(proxy, steps=proxy.steps * longer),
        **{"seed": given.seed, "crop": given.crop, "class_weights": given.class_weights},
        stem=given.stem,
        **options,
    )


def _supernets(given: Options, budget: float) -> tuple[str, ...]:
    """The methods of the supernet searches at the beginning."""
    if given.supernets is not None:
        for name in given.supernets:
            methods.get(name)
        return tuple(given.supernets)
    # The other proposals are baselines.
    enough = (name for name, least in SUPERNETS.items() if budget >= least)
    return tuple(enough) if given.proposals == "predicted" else ()


def _published(given: Options, choice: Choice) -> list[tuple[Genotype, str]]:
    """The published cells that are tried first, and their names."""
    space = choice.space
    count = given.published_cells
    if count is None:
        # The other proposals are baselines.
        count = PUBLISHED_CELLS if given.proposals == "predicted" else 0
    names = [name for name, one in GENOTYPES.items() if _within(space, one.genotype)]
    names.sort(key=lambda name: GENOTYPES[name].test_error or 100)
    found = [(Genotype(space, GENOTYPES[name].genotype.cells), name) for name in names]
    return [one for one in found if choice.allowed(one[0])][:count]


def _within(space, genotype: Genotype) -> bool:
    """Whether a cell is one of the space, which may be a part of the one with its name."""
    if genotype.space != space.name:
        return False
    for cell_type, cell in genotype.cells.items():
        choosable = dict(zip(space.edges, space.choosable_on(cell_type), strict=True))
        for node, edges in enumerate(cell.nodes):
            if any(e.operation not in choosable.get((node, e.source), ()) for e in edges):
                return False
    return True


def _choice(space, evaluator, limits: Constraints, begun: bool) -> tuple[Choice, list]:
    """What may be proposed under limits, and what is tried first."""
    counted = evaluator.counted
    by = "parameters" if limits.parameters is not None else "multiply_adds"
    cheapest = counted.cheapest(by)
    if not begun:
        # A latency that is measured again may be above a limit that it was just below.
        limits.refuse(evaluator.costs(cheapest))
    choice = Choice(
        space, lambda genotype: limits.broken(counted(genotype)) is None, cheapest, counted
    )
    # So that there is a network within limits that only show when it is built.
    starts = [(cheapest, "cheapest")] if limits.latency_ms is not None else []
    return choice, starts
