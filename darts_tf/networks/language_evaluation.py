"""How well a language model foretells a text."""

import tensorflow as tf

from darts_tf.datasets import text_windows
from darts_tf.networks.language_model import LanguageModel
from darts_tf.tasks import LanguageModeling


def evaluate_language_model(
    model: LanguageModel, tokens, batch_size: int = 1, steps: int = 35
) -> float:
    """The mean cross-entropy of every token of a text but the first, in nats.

    Args:
        model: a language model.
        tokens: integers `[N]`.
        batch_size: columns that the text is laid out in. With 1 (the default, as published test
            perplexities have it) all that comes before a token is known to the model, with more
            only what comes before it in its column.
        steps: of a window, which decides nothing but speed and memory.

    Raises:
        UserError: the text is too short for so many columns.
    """
    return Evaluation(model)(tokens, batch_size, steps)


class Evaluation:
    """Goes over texts without training; traced once, whatever the number of columns."""

    def __init__(self, model: LanguageModel):
        self._model = model
        self._task = LanguageModeling()
        tokens = tf.TensorSpec([None, None], tf.int32)
        state = [
            tf.TensorSpec([None, *value.shape[1:]], value.dtype)
            for value in self._task.initial_state(model, 1)
        ]
        sample_weights = tf.TensorSpec([None, None], tf.float32)
        self._run = tf.function(
            self._window, input_signature=[tokens, tokens, sample_weights, state]
        )

    def __call__(self, tokens, batch_size, steps) -> float:
        windows = text_windows(tokens, batch_size, steps)
        state = self._task.initial_state(self._model, batch_size)
        total, count = 0.0, 0.0
        for inputs, targets, sample_weights in windows:
            added, counted, state = self._run(inputs, targets, sample_weights, state)
            total, count = total + float(added), count + float(counted)
        return total / count

    def _window(self, inputs, targets, sample_weights, state):
        logits, state = self._task.call(self._model, inputs, state)
        return *self._task.counted_loss(targets, logits, sample_weights), state
