"""A user's own estimator of the hypergradient in a search, as a function and with a state."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients, methods
from darts_tf.common.errors import UserError
from darts_tf.search import record
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(4, 6, 6, 1)).astype("float32")
DATA = tf.data.Dataset.from_tensor_slices((IMAGES, np.int32([0, 1, 1, 0]))).batch(2)

pytestmark = pytest.mark.usefixtures("eagerly")


def search(space, gradient, **options):
    keras.utils.set_random_seed(0)
    supernet = Supernet(space, (6, 6, 1), 2, channels=2, cells=1)
    method = methods.Method("own", gradient, "mine", gradient_options=options)
    return ArchitectureSearch(supernet, method)


def fit(searched, **options):
    history = searched.fit(DATA, DATA, 1, verbose=0, **options).history
    return history, [v.numpy() for v in searched.supernet.variables]


def alphas(searched):
    return np.concatenate([v.numpy() for v in searched.supernet.architecture_variables])


def same_as_first_order(problem, point, batches):
    with tf.GradientTape() as tape:
        tape.watch(point["architecture"])
        loss = problem.outer.loss(point, batches["architecture"])
    return gradients.Hypergradient(tape.gradient(loss, point["architecture"]), loss)


def test_a_function(one_stage_space):
    own, named = (
        search(one_stage_space, same_as_first_order),
        search(one_stage_space, "first_order"),
    )
    before = alphas(own)
    for mine, its in zip(fit(own)[1], fit(named)[1], strict=True):
        np.testing.assert_array_equal(mine, its)
    assert np.all(alphas(own) != before)
    assert "gradient" not in own.checkpointed()
    settings = record.settings(own.supernet, own.method)
    assert settings["method gradient"] == {"type": "same_as_first_order"}


class Averaged(gradients.Gradient):
    """A moving average of first-order hypergradients."""

    def __init__(self, decay=0.5):
        self.decay = decay

    def build(self, shape, seed=0):
        self.average = keras.Variable(tf.zeros(shape), trainable=False)

    @property
    def variables(self):
        return [self.average]

    def report(self):
        return {"largest_average": float(np.abs(self.average.numpy()).max())}

    def __call__(self, *arguments):
        found = gradients.first_order(*arguments)
        new = self.decay * self.average + (1 - self.decay) * found.architecture[0]
        self.average.assign(new)
        return found._replace(architecture=[tf.convert_to_tensor(self.average)])


def test_one_with_a_state(one_stage_space, tmp_path):
    estimator = Averaged()
    one, other = search(one_stage_space, estimator), search(one_stage_space, Averaged, decay=0.5)
    (history, variables), (_, again) = fit(one, checkpoint_dir=tmp_path), fit(other)
    for mine, its in zip(variables, again, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert history["largest_average"][0] > 0
    (average,) = one.checkpointed()["gradient"]
    assert average is not other.checkpointed()["gradient"][0]
    assert not hasattr(estimator, "average")

    resumed = search(one_stage_space, estimator)
    resumed.fit(DATA, DATA, 1, verbose=0, checkpoint_dir=tmp_path)
    np.testing.assert_array_equal(resumed.checkpointed()["gradient"][0], average)
    settings = [record.settings(one.supernet, m) for m in (one.method, methods.get("darts-v1"))]
    assert [s["method gradient"] for s in settings] == [
        {"type": "Averaged", "decay": 0.5},
        "first_order",
    ]
    method = dataclasses.replace(one.method, gradient=gradients.Unrolled(2))
    expected = {"class_name": "Unrolled", "config": {"steps": 2}}
    assert record.settings(one.supernet, method)["method gradient"] == expected


def test_an_object_and_a_name_with_options_are_one():
    estimators = (gradients.Unrolled(2), {}), ("unrolled", {"steps": 2})
    for gradient, options in estimators:
        method = methods.Method("own", gradient, "mine", gradient_options=options)
        method.check()
        assert method.make_gradient() == gradients.Unrolled(2)
        with pytest.raises(UserError, match="(?i)hypergradient 'unrolled' knows the weights'"):
            dataclasses.replace(method, nesterov=True).check()
