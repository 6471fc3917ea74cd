"""Workload: steps of a search of a recurrent cell on text."""

import dataclasses

import numpy as np

from darts_tf import datasets, methods, spaces
from darts_tf.benchmark.measurement import Measurement, Stopwatch
from darts_tf.benchmark.workloads import Laps, measurement_of
from darts_tf.search.architecture_search import ArchitectureSearch


@dataclasses.dataclass(frozen=True)
class TextSize:
    """How large the network, the vocabulary and the batch are. Default: the paper's search.

    Attributes:
        units: of the embedding and of all states.
        vocabulary: number of words.
        batch_size: columns of a text; a search takes a batch of each of two texts a step.
        length: steps of a window.
    """

    units: int = 300
    vocabulary: int = 10_000
    batch_size: int = 64
    length: int = 35


def measure_text_search(
    size: TextSize,
    method: str = "darts-v1",
    *,
    space: str = "darts_rnn",
    steps: int = 10,
    warmup: int = 2,
    turns: int = 1,
) -> Measurement:
    """Steps of `ArchitectureSearch.fit` on random words, the states carried.

    Args:
        size: of the supernet and the batches.
        method: the name of a method.
        space: the name of a recurrent search space.
        steps: steps to measure.
        warmup: steps before them, after the first one.
        turns: see `Stopwatch`.

    Raises:
        UserError: the space is none of a text's, or the method has no meaning there.
    """
    search = make_text_search(size, method, space=space)
    stopwatch = Stopwatch(steps, warmup, turns)
    search.fit(
        random_windows(size, stopwatch.laps, seed=0),
        random_windows(size, stopwatch.laps, seed=1),
        callbacks=[Laps(stopwatch, search.stop)],
        verbose=0,
    )
    return measurement_of(stopwatch, search.supernet, stopwatch.data_wait_seconds)


def make_text_search(
    size: TextSize, method: str = "darts-v1", *, space: str = "darts_rnn"
) -> ArchitectureSearch:
    """The search whose steps `measure_text_search` measures; see there."""
    spaces.check_kind(spaces.get(space), spaces.OVER_TIME, "a search on text")
    chosen = methods.get(method, space)
    supernet = chosen.make_supernet(
        space, (None,), size.vocabulary, channels=size.units, macro="language_model"
    )
    return ArchitectureSearch(supernet, chosen, task="language_modeling")


def random_windows(size: TextSize, count: int, seed: int):
    """Windows of one length in a text of random words."""
    words = size.batch_size * size.length * count + 1
    tokens = np.random.default_rng(seed).integers(0, size.vocabulary, words, np.int32)
    windows = datasets.text_windows(tokens, size.batch_size, size.length)
    return windows.map(lambda inputs, targets, _: (inputs, targets))
