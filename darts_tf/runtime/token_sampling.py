"""Drawing a text from a network that foretells each next token, as one graph."""

from collections.abc import Callable

import tensorflow as tf


def draw_tokens(
    network: Callable, prompt, state, count, temperature: float = 1.0, seed: int = 0
) -> tuple[tf.Tensor, list]:
    """Goes on from a prompt, each token drawn from what the network says of it.

    All arguments but the network may be tensors of unknown shape and value, so that a `tf.function`
    around it is traced once. The draws are a function of the seed and of a token's position.

    Args:
        network: `(tokens [batch, time], state) -> (logits [batch, time, vocabulary], state)`.
        prompt: int32 `[batch, time]`, of at least one step.
        state: a list of tensors, before the prompt.
        count: how many tokens to draw, from 0.
        temperature: what logits are divided by. At 0 the most probable token is taken.
        seed: of the draws.

    Returns:
        int32 `[batch, count]`, and the state after the last of these tokens.

    Raises:
        tf.errors.InvalidArgumentError: the prompt is empty, the count below 0, or the temperature
            below 0 or not finite.
    """
    count = tf.convert_to_tensor(count, tf.int32)
    temperature = tf.convert_to_tensor(temperature, tf.float32)
    seed = tf.stack([tf.cast(seed, tf.int32), 0])
    checks = [
        tf.debugging.assert_non_negative(count, "the count of tokens is below 0"),
        tf.debugging.Assert(
            (temperature >= 0) & tf.math.is_finite(temperature),
            ["the temperature has to be finite and at least 0; it is", temperature],
        ),
        tf.debugging.assert_positive(tf.shape(prompt)[1], "the prompt is empty"),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        prompt, count = tf.identity(prompt), tf.identity(count)
    logits, state = network(prompt, state)
    drawn = tf.TensorArray(tf.int32, count, element_shape=[prompt.shape[0]])

    def body(position, tokens, logits, state, drawn):
        own_seed = tf.random.experimental.stateless_fold_in(seed, position)
        tokens = _draw(logits, temperature, own_seed)
        drawn = drawn.write(position, tokens)
        logits, state = network(tokens[:, tf.newaxis], state)
        return position + 1, tokens, logits[:, -1], state, drawn

    *_, state, drawn = tf.while_loop(
        lambda position, *_: position < count,
        body,
        (0, prompt[:, -1], logits[:, -1], state, drawn),
    )
    return tf.transpose(drawn.stack()), state


def _draw(logits, temperature, seed) -> tf.Tensor:
    logits = tf.cast(logits, tf.float32)
    # Below the largest, so that a small temperature leaves it at 0 and the others at -inf.
    logits -= tf.reduce_max(logits, axis=-1, keepdims=True)
    scaled = logits / tf.maximum(temperature, 1e-30)
    drawn = tf.random.stateless_categorical(scaled, 1, seed, dtype=tf.int32)[:, 0]
    best = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return tf.where(temperature > 0, drawn, best)
