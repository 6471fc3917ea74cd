"""Texts that a language model writes."""

import math

import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import TextData
from darts_tf.networks.language_model import LanguageModel
from darts_tf.runtime.token_sampling import draw_tokens


class TextGenerator:
    """Goes on with texts; traced once, whatever the prompt and the settings.

    Args:
        model: a language model.
        data: the text that it was trained on, for its vocabulary.

    Example:
        >>> generate = TextGenerator(model, data)
        >>> print(generate("To be, or", 200, temperature=0.8, seed=1))
    """

    def __init__(self, model: LanguageModel, data: TextData):
        self._data = data

        def draw(prompt, count, temperature, seed):
            return draw_tokens(model, prompt, model.initial_state(1), count, temperature, seed)[0][
                0
            ]

        self._draw = tf.function(
            draw,
            input_signature=[
                tf.TensorSpec([1, None], tf.int32),
                tf.TensorSpec([], tf.int32),
                tf.TensorSpec([], tf.float32),
                tf.TensorSpec([], tf.int32),
            ],
        )

    def __call__(self, prompt: str, count: int, temperature: float = 1.0, seed: int = 0) -> str:
        """The text after the prompt.

        Args:
            prompt: how the text begins; not empty.
            count: of words or characters.
            temperature: what logits are divided by; at 0 the most probable token is taken.
            seed: of the draws; the same one gives the same text.

        Raises:
            UserError: the prompt is empty or has what the vocabulary has not, or a number is out
                of range.
        """
        tokens = self._data.encode(prompt)
        if not len(tokens):
            raise UserError("the prompt is empty: give at least one word or character")
        if count < 0 or not 0 <= temperature < math.inf:
            raise UserError(
                f"cannot write {count} {self._data.unit} at the temperature {temperature:g}: the "
                "count has to be at least 0, and the temperature at least 0 and finite"
            )
        return self._data.decode(self._draw(tokens[None], count, temperature, seed).numpy())
