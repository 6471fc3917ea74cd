"""Language modelling: each next word or character of a text."""

import dataclasses
import math

import keras
import tensorflow as tf

from darts_tf.common.lookup import lookup
from darts_tf.tasks.metrics import ElementMean, Metric
from darts_tf.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class LanguageModeling(Task):
    """Batches of `(tokens, next tokens)`, both integers `[batch, time]`: cross-entropy.

    Batches follow each other in a text, so the state is carried (`darts_tf.datasets.text_batches`).
    Outputs are logits `[batch, time, vocabulary]`.

    Args:
        measure: "perplexity", as words are reported by, or "bits_per_character"; smaller is better.
        steps: of the windows that a learning rate is meant for; in the step on a longer or a
            shorter one it is larger or smaller in proportion (Merity, Keskar, Socher, ICLR 2018,
            section 4.1). Default 35, as in most of the literature on the Penn Treebank; None for
            the same rate whatever the length.

    Raises:
        UserError: it is neither.
    """

    name = "language_modeling"
    measure: str = "perplexity"
    steps: int | None = 35

    def __post_init__(self):
        lookup("measure of a language model", _METRICS, self.measure)

    def losses(self, targets, outputs) -> tf.Tensor:
        """The cross-entropy of every token in nats, `[batch, time]`, in float32 or better."""
        return _crossentropies(targets, outputs)

    def metrics(self) -> tuple[Metric, ...]:
        """The measure alone."""
        return (Metric(self.measure, _METRICS[self.measure], larger_is_better=False),)

    def initial_state(self, model: keras.Model, batch_size: int):
        """The model's own initial state: tensors `[batch_size, units]`."""
        return model.initial_state(batch_size)

    def rate_factor(self, targets):
        """The steps of the batch by the `steps` that the rate is meant for."""
        if self.steps is None:
            return None
        return tf.cast(tf.shape(targets)[1], tf.float32) / self.steps

    def answers(self, outputs) -> dict[str, tf.Tensor]:
        """`probabilities` of the next token, float32 `[batch, time, vocabulary]`."""
        return {"probabilities": tf.nn.softmax(tf.cast(outputs, tf.float32))}


def _crossentropies(targets, outputs) -> tf.Tensor:
    if outputs.dtype.size < 4:
        outputs = tf.cast(outputs, tf.float32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, outputs)


class Perplexity(ElementMean):
    """The exponential of the mean cross-entropy of a word."""

    def __init__(self, name: str = "perplexity", dtype="float32"):
        super().__init__(_crossentropies, name, dtype)

    def result(self):
        return keras.ops.exp(super().result())


class BitsPerCharacter(ElementMean):
    """The mean cross-entropy of a character in bits."""

    def __init__(self, name: str = "bits_per_character", dtype="float32"):
        super().__init__(_crossentropies, name, dtype)

    def result(self):
        return super().result() / math.log(2)


_METRICS = {"perplexity": Perplexity, "bits_per_character": BitsPerCharacter}
