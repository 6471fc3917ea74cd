import numpy as np
import pytest
import tensorflow as tf

from darts_tf.runtime.token_sampling import draw_tokens

VOCABULARY = 5


def count_up(tokens, state):
    """The next token is almost surely the last one plus the number of tokens seen, modulo 5."""
    (seen,) = state
    steps = seen[:, tf.newaxis] + tf.range(1, tf.shape(tokens)[1] + 1)
    logits = 50.0 * tf.one_hot((tokens + steps) % VOCABULARY, VOCABULARY)
    return logits, [steps[:, -1]]


def flat(tokens, state):
    """Probabilities 1/2, 1/4, 1/8, 1/16, 1/16, whatever came before."""
    logits = -tf.math.log(2.0) * tf.constant([1.0, 2, 3, 4, 4])
    return tf.broadcast_to(logits, [*tf.unstack(tf.shape(tokens)), VOCABULARY]), state


def start(batch):
    return [tf.zeros([batch], tf.int32)]


@pytest.mark.parametrize("temperature", [0.0, 1e-30, 1.0])
def test_tokens_and_states_follow_each_other(temperature):
    prompt = tf.constant([[1, 2], [0, 0]])
    tokens, (seen,) = draw_tokens(count_up, prompt, start(2), 4, temperature)
    # 2 + 2 = 4, 4 + 3, 2 + 4, 1 + 5, each modulo 5.
    np.testing.assert_array_equal(tokens, [[4, 2, 1, 1], [2, 0, 4, 4]])
    np.testing.assert_array_equal(seen, [6, 6])


def test_prompts_go_on_from_a_state():
    whole, _ = draw_tokens(count_up, tf.constant([[1, 2]]), start(1), 4)
    first, state = draw_tokens(count_up, tf.constant([[1]]), start(1), 0)
    assert first.shape == (1, 0)
    rest, _ = draw_tokens(count_up, tf.constant([[2]]), state, 4)
    np.testing.assert_array_equal(rest, whole)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_have_the_probabilities_of_the_temperature(temperature):
    tokens, _ = draw_tokens(flat, tf.zeros([200, 1], tf.int32), start(200), 50, temperature, 1)
    found = np.bincount(tokens.numpy().ravel(), minlength=VOCABULARY) / tokens.numpy().size
    expected = 0.5 ** (np.array([1, 2, 3, 4, 4]) / temperature)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.015)


def test_draws_are_a_function_of_the_seed():
    prompt = tf.zeros([1, 1], tf.int32)
    draw = lambda count, seed: draw_tokens(flat, prompt, start(1), count, 1.0, seed)[0][0].numpy()  # noqa: E731
    np.testing.assert_array_equal(draw(20, 3), draw(20, 3))
    np.testing.assert_array_equal(draw(20, 3), draw(30, 3)[:20])
    assert (draw(20, 3) != draw(20, 4)).any()


@pytest.mark.parametrize(
    "prompt, count, temperature, message",
    [
        ([[]], 1, 1.0, "prompt is empty"),
        ([[1]], -1, 1.0, "count of tokens is below 0"),
        ([[1]], 1, -0.5, "temperature has to be"),
        ([[1]], 1, np.nan, "temperature has to be"),
    ],
)
@pytest.mark.parametrize("traced", [False, True])
def test_bad_arguments(prompt, count, temperature, message, traced):
    def draw(prompt, count, temperature):
        return draw_tokens(count_up, prompt, start(1), count, temperature)[0]

    arguments = tf.constant(prompt, tf.int32), tf.constant(count), tf.constant(temperature)
    signature = [tf.TensorSpec([1, None], tf.int32), tf.TensorSpec([], tf.int32), tf.TensorSpec([])]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        (tf.function(draw, input_signature=signature) if traced else draw)(*arguments)
