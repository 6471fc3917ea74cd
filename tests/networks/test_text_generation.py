import keras
import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.datasets import TextData
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.text_generation import TextGenerator

TOKENS = np.zeros(2, np.int32)
WORDS = TextData("x", "words", ("<eos>", "a", "<unk>", "b"), TOKENS, TOKENS, TOKENS)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    model = build_language_model("lstm", 4, 8, seed=1)
    for variable in model.trainable_variables:
        variable.assign(5 * variable)
    return model


def test_the_most_probable_words(model):
    text = TextGenerator(model, WORDS)("a b", 6, temperature=0.0)
    tokens = [1, 3]
    for _ in range(6):
        tokens.append(int(np.argmax(model(np.array([tokens]))[0][0, -1])))
    assert text == WORDS.decode(tokens[2:])


def test_draws_by_their_seed(model):
    generate = TextGenerator(model, WORDS)
    assert generate("a", 20, seed=1) == generate("a", 20, seed=1) != generate("a", 20, seed=2)
    assert generate("new", 5, 0.0) == generate("<unk>", 5, 0.0)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("", 3), "the prompt is empty"),
        ((" ", 3), "the prompt is empty"),
        (("a", -1), "cannot write -1 words at the temperature 1: the count has to be at least 0"),
        (("a", 3, -1.0), "at the temperature -1"),
        (("a", 3, np.nan), "at the temperature nan"),
    ],
)
def test_bad_arguments(model, arguments, message):
    with pytest.raises(UserError, match=message):
        TextGenerator(model, WORDS)(*arguments)
