import dataclasses
import functools

import keras
import numpy as np
import pytest

from darts_tf import methods, selections, spaces
from darts_tf.common.errors import UserError
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.fine_tuning import FineTuning
from tests import toy

METHOD = dataclasses.replace(methods.get("darts-pt"), fine_tune_epochs=2)


# That of the toy supernet with a node more, three edges, and a candidate less.
SPACE = dataclasses.replace(
    spaces.get(toy.SPACE),
    name="toy_of_two_nodes",
    operations=("none", "skip_connect", "toy_tanh"),
    nodes=2,
    edges=None,
)
TRAIN, VALIDATION = (functools.partial(toy.data, part, examples=8 - 4 * part) for part in (0, 1))


def make():
    keras.utils.set_random_seed(0)
    supernet = METHOD.make_supernet(SPACE, (toy.FEATURES,), toy.CLASSES, channels=2, cells=1)
    return ArchitectureSearch(supernet, METHOD)


@pytest.fixture
def trained(monkeypatch):
    """The result of each call of `FineTuning`: the weights of the copy that it trained."""
    found, call = [], FineTuning.__call__

    def watched(self, supernet):
        call(self, supernet)
        found.append([v.numpy() for v in supernet.weight_variables])

    monkeypatch.setattr(FineTuning, "__call__", watched)
    return found


def test_the_cells_are_selected_with_training_between_the_decisions(eagerly, trained):
    search = make()
    search.fit(TRAIN, VALIDATION, 2, verbose=0)
    before = [v.numpy() for v in search.supernet.variables]
    genotype = search.genotype(VALIDATION(0))
    # Between three decisions.
    assert len(trained) == 2
    for variable, value in zip(search.supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)

    tune = FineTuning(METHOD.at_length(2, 2), TRAIN, VALIDATION, 2)
    by_hand = dataclasses.replace(selections.get("perturbation"), fine_tune=tune)
    assert search.genotype(VALIDATION(0), by_hand) == genotype
    assert tune.steps == 2 * 2 * 2
    for mine, its in zip(trained[:2], trained[2:], strict=True):
        for x, y in zip(mine, its, strict=True):
            np.testing.assert_array_equal(x, y)

    # A selection that is given is taken as it is.
    for options in ({"selection": "perturbation"}, {"fine_tune_epochs": 0}):
        search.genotype(VALIDATION(0), **options)
    assert len(trained) == 4
    search.genotype(VALIDATION(0), "perturbation", fine_tune_epochs=1)
    assert len(trained) == 6


def test_what_it_cannot_train():
    search = make()
    with pytest.raises(UserError, match="on the data that fit was given; call fit first"):
        search.genotype(VALIDATION(0))
    with pytest.raises(UserError, match="fine_tune_epochs=1 is for selections that decide edge"):
        search.genotype(selection="magnitude", fine_tune_epochs=1)
