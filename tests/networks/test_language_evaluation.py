import keras
import numpy as np
import pytest

from darts_tf.networks.language_evaluation import evaluate_language_model
from darts_tf.networks.language_model import build_language_model


def make():
    keras.utils.set_random_seed(1)
    return build_language_model("gru", 3, 4, seed=2)


def test_an_evaluation_by_hand():
    model = make()
    model.embedding.embeddings.assign(np.zeros((3, 4)))
    model.embedding.bias.assign(np.log([0.5, 0.25, 0.25]))
    # Targets 1 2 0 1: -log 1/4, 1/4, 1/2, 1/4.
    expected = np.log([4, 4, 2, 4]).mean()
    for batch_size in (1, 3):
        assert evaluate_language_model(
            model, np.array([0, 1, 2, 0, 1]), batch_size
        ) == pytest.approx(expected)


def test_an_evaluation_carries_the_state():
    model, text = make(), np.random.RandomState(0).randint(0, 3, 30)
    model.embedding.embeddings.assign(np.random.RandomState(1).normal(size=(3, 4)))
    found = [evaluate_language_model(model, text, steps=steps) for steps in (1, 7, 29)]
    np.testing.assert_allclose(found, found[0], rtol=1e-6)
    assert evaluate_language_model(model, text, 3, steps=4) != pytest.approx(found[0], rel=1e-4)
