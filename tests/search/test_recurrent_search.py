"""A recurrent search goes on from the middle of a text bit for bit, by the rate of its windows.

Without tracing, which takes far longer than these steps; tests/train/test_texts.py and
tests/recurrent_replicas.py trace theirs.
"""

import contextlib

import keras
import numpy as np
import pytest

from darts_tf import tasks
from darts_tf.search import trainer
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.problem import SupernetProblem
from tests import texts

pytestmark = pytest.mark.usefixtures("eager_file")


def make():
    # Of second order is the one of tests/search/test_carried_state.py.
    method = texts.method("darts-v1")
    return ArchitectureSearch(texts.supernet(method), method, task="language_modeling")


def values(search):
    """All that a search goes on from, the states of both streams among it."""
    groups = search.checkpointed()
    assert len(groups["states"]) == 2
    return [keras.ops.convert_to_numpy(v) for group in groups.values() for v in group]


class Break(keras.callbacks.Callback):
    """Ends the search after its third step, asked to, or by an error."""

    def __init__(self, search, killed):
        super().__init__()
        self.search = search
        self.killed = killed

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2 and not self.killed:
            self.search.stop()

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 3 and self.killed:
            raise ZeroDivisionError


@pytest.fixture(scope="module")
def whole(eager_file):
    """A search that nothing has ended, and its history."""
    search = make()
    return search, search.fit(texts.train, texts.validation, 2, verbose=0).history


@pytest.mark.parametrize("killed", [pytest.param(False, marks=pytest.mark.thorough), True])
def test_it_goes_on_in_the_middle_of_a_text(killed, whole, tmp_path):
    """The validation text has begun anew by then: it has 3 windows, the training text 5 or more."""
    uninterrupted, history = whole
    search = make()
    options = {"verbose": 0, "checkpoint_dir": tmp_path, "checkpoint_seconds": 0}
    with pytest.raises(ZeroDivisionError) if killed else contextlib.nullcontext():
        search.fit(texts.train, texts.validation, 2, callbacks=[Break(search, killed)], **options)
    assert killed or search.stopped_at == (0, 3)
    search = make()
    resumed = search.fit(texts.train, texts.validation, 2, **options).history
    assert resumed["val_perplexity"][-1] == history["val_perplexity"][-1]
    for one, other in zip(values(uninterrupted), values(search), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_rate_of_a_step_is_that_of_its_window():
    """Without momentum and with a clipped gradient a step is as long as the window."""
    moved = {}
    for steps in (3, 6):
        method = texts.method("darts-v1", texts.PLAIN, clip_norm=1e-3, weight_decay=0.0)
        supernet = texts.supernet(method, texts.PLAIN)
        search = ArchitectureSearch(supernet, method, task="language_modeling")
        before = [variable.numpy() for variable in supernet.trainable_variables]
        batches = texts.datasets.text_windows(texts.tokens(), texts.BATCH, steps)
        search.fit(batches.take(1), batches, verbose=0)
        pairs = zip(before, supernet.trainable_variables, strict=True)
        moved[steps] = np.sqrt(sum(np.sum((new - old) ** 2) for old, new in pairs))
    np.testing.assert_allclose([moved[3], moved[6]], [5e-4 * 3 / 35, 5e-4 * 6 / 35], rtol=0.02)


@pytest.mark.parametrize(("name", "own"), [("darts-v1", False), ("darts-v2", True)])
def test_passes_are_traced_by_themselves_only_where_one_is_repeated(name, own, monkeypatch):
    seen, method = [], texts.method(name)

    def problem(*arguments, traced=True, **options):
        seen.append(traced)
        return SupernetProblem(*arguments, traced=traced, **options)

    monkeypatch.setattr(trainer, "SupernetProblem", problem)
    sizes = {"train": texts.BATCH, "validation": texts.BATCH}
    of = texts.supernet(method), method, tasks.LanguageModeling()
    trainer.SearchTrainer(*of, None, None, 1, sizes)
    assert seen == [own]
