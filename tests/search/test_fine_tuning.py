import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import methods, selections
from darts_tf.common.errors import UserError
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.search.fine_tuning import FineTuning

METHOD = dataclasses.replace(methods.get("darts-pt"), fine_tune_epochs=2)


def data(part, epoch):
    rng = np.random.default_rng([part, epoch])
    images = rng.normal(size=(8, 6, 6, 1)).astype("float32")
    labels = (images.mean(axis=(1, 2, 3)) > 0).astype("int32")
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)


TRAIN, VALIDATION = functools.partial(data, 0), functools.partial(data, 1)


def make(space, method=METHOD):
    keras.utils.set_random_seed(0)
    supernet = method.make_supernet(space, (6, 6, 1), 2, channels=2, cells=3)
    return ArchitectureSearch(supernet, method)


@pytest.fixture
def trained(monkeypatch):
    """The result of each call of `FineTuning`: the weights of the copy that it trained."""
    found, call = [], FineTuning.__call__

    def watched(self, supernet):
        call(self, supernet)
        found.append([v.numpy() for v in supernet.weight_variables])

    monkeypatch.setattr(FineTuning, "__call__", watched)
    return found


def test_the_cells_are_selected_with_training_between_the_decisions(tiny_space, eagerly, trained):
    search = make(tiny_space)
    search.fit(TRAIN, VALIDATION, 2, verbose=0)
    before = [v.numpy() for v in search.supernet.variables]
    genotype = search.genotype(VALIDATION(0))
    # 2 edges in each of 2 cell types.
    assert len(trained) == 3
    for variable, value in zip(search.supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)

    tune = FineTuning(METHOD.at_length(2, 2), TRAIN, VALIDATION, 2)
    by_hand = dataclasses.replace(selections.get("perturbation"), fine_tune=tune)
    assert search.genotype(VALIDATION(0), by_hand) == genotype
    assert tune.steps == 3 * 2 * 2
    for mine, its in zip(trained[:3], trained[3:], strict=True):
        for x, y in zip(mine, its, strict=True):
            np.testing.assert_array_equal(x, y)

    # A selection that is given is taken as it is.
    for options in ({"selection": "perturbation"}, {"fine_tune_epochs": 0}):
        search.genotype(VALIDATION(0), **options)
    assert len(trained) == 6
    search.genotype(VALIDATION(0), "perturbation", fine_tune_epochs=1)
    assert len(trained) == 9


def test_what_it_cannot_train(tiny_space):
    search = make(tiny_space)
    with pytest.raises(UserError, match="on the data that fit was given; call fit first"):
        search.genotype(VALIDATION(0))
    with pytest.raises(UserError, match="fine_tune_epochs=1 is for selections that decide edge"):
        search.genotype(selection="magnitude", fine_tune_epochs=1)
