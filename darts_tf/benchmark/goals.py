"""This project's promises about speed and memory, and whether a machine confirms them."""

import dataclasses
import json
from collections.abc import Callable, Sequence

from darts_tf.benchmark import comparison
from darts_tf.benchmark.comparison import Spread
from darts_tf.benchmark.measurement import Measurement
from darts_tf.runs import run_folder


@dataclasses.dataclass(frozen=True)
class Group:
    """Configurations that are run in turn.

    Attributes:
        flags: of each configuration of ours.
        peer: flags of the peer in another framework.
        memory_only: peak memory hardly differs between runs, so one short run is enough.
    """

    flags: tuple[str, ...]
    peer: str
    memory_only: bool = False


@dataclasses.dataclass(frozen=True)
class Goal:
    """One promise.

    Attributes:
        text: in words.
        limit: the number that must not be exceeded: a ratio, or seconds.
        flags: the configuration of ours that it is about, from a `Group`.
        quantity: an attribute of `Measurement`.
        reference: "peer", flags of another configuration of ours, or None for no ratio.
    """

    text: str
    limit: float
    flags: str
    quantity: str = "median_step_seconds"
    reference: str | None = "peer"


FIRST = "--method=darts-v1"
BFLOAT16 = "--method=darts-v1 --precision=mixed_bfloat16"
SECOND = "--method=darts-v2"
LARGE = "--method=darts-v1 --batch_size=64"
RECOMPUTED = "--method=darts-v1 --batch_size=64 --recompute"
SAMPLED = "--method=gdas"
NETWORK = "--network=DARTS_V2"
TEXT = "--task=language_model"

GROUPS = (
    Group((FIRST, BFLOAT16, SAMPLED), FIRST),
    Group((SECOND,), SECOND),
    Group((NETWORK,), NETWORK),
    Group((LARGE, RECOMPUTED), LARGE, memory_only=True),
    Group((TEXT,), TEXT),
)

GOALS = (
    Goal("first-order search step", 0.40, FIRST),
    Goal("the same in bfloat16, peer in float32", 0.28, BFLOAT16),
    Goal("second-order search step", 0.40, SECOND),
    Goal("peak memory, first order, batch 64", 0.50, LARGE, "peak_memory_bytes"),
    Goal("the same with --recompute", 0.50, RECOMPUTED, "peak_memory_bytes"),
    Goal("seconds to the end of the first step, first order", 20, FIRST, "startup_seconds", None),
    Goal("the same, second order", 30, SECOND, "startup_seconds", None),
    Goal("step of GDAS / step of first-order DARTS", 0.25, SAMPLED, reference=FIRST),
    Goal("training step of DARTS_V2, auxiliary head", 0.70, NETWORK),
    Goal("search step on a text, first order, 300 units, 10,000 words", 0.50, TEXT),
    Goal("seconds to the end of its first step", 15, TEXT, "startup_seconds", None),
)

Results = dict[str, list[Measurement]]


def measure(
    configure: Callable[[str, list[str]], comparison.Configuration],
    configure_peer: Callable[[list[str]], comparison.Configuration],
    runs: int,
    report: Callable[[str], None],
    path=None,
    turns: int = 1,
) -> tuple[dict[str, Spread], dict]:
    """Measures all goals.

    Args:
        configure: from a name and flags to the configuration of ours.
        configure_peer: from flags to the peer's.
        runs: how often each configuration is run.
        report: is told of every run that has ended, in a line.
        path: a file that is written after each group with all runs so far; None for none.
        turns: see `comparison.alternate`.

    Returns:
        The number of each goal by its text, and all runs for JSON.
    """
    spreads, record = {}, {}
    for group in GROUPS:
        short = ["--steps=2", "--warmup=1"] if group.memory_only else []
        ours = [configure(text, [*text.split(), *short]) for text in group.flags]
        peer = configure_peer([*group.peer.split(), *short])
        times = (1, report, 1) if group.memory_only else (runs, report, turns)
        results = comparison.alternate([*ours, peer], *times)
        record[group.flags[0]] = comparison.to_dict(results, peer.name)
        for goal in GOALS:
            if goal.flags in group.flags:
                spreads[goal.text] = measured(goal, results, results[peer.name])
        if path is not None:
            run_folder.write_file(path, json.dumps(record, indent=1) + "\n")
    return spreads, record


def measured(goal: Goal, results: Results, peer: Sequence[Measurement]) -> Spread:
    """The number that a goal is about.

    Args:
        goal: the goal.
        results: flags -> runs, of the group that holds the goal's configuration.
        peer: runs of the group's peer.
    """
    runs = results[goal.flags]
    if goal.reference is None:
        return comparison.summary(runs)[goal.quantity]
    reference = peer if goal.reference == "peer" else results[goal.reference]
    return comparison.ratios(runs, reference)[goal.quantity]


def as_text(spreads: dict[str, Spread]) -> str:
    """Every goal that was measured (text -> number), with its limit, as text."""
    rows = [["", "goal", "measured", ""]]
    for goal in GOALS:
        if (spread := spreads.get(goal.text)) is not None:
            verdict = "met" if spread.median <= goal.limit else "missed"
            rows.append([goal.text, f"<= {goal.limit:g}", spread.text(), verdict])
    return comparison.columns(rows)
