"""A text in memory as numbers, and the description of it that a run folder keeps."""

import dataclasses
import math

import numpy as np

from darts_tf.common.errors import UserError
from darts_tf.datasets import split_description, vocabulary
from darts_tf.datasets.fingerprint import hash_settings

_KIND, _COUNTED = "text", "tokens"
# What a network that was trained on the text depends on.
_DECISIVE = ("unit", "vocabulary", "fingerprint")


@dataclasses.dataclass(frozen=True, eq=False)
class TextData:
    """A text in three parts, as the numbers of its words or characters.

    Args:
        name: what it was loaded as, such as `"tiny_shakespeare"`.
        unit: `"words"` or `"characters"`.
        vocabulary: the word or character of each number; `"<eos>"` is the end of a line among
            words, `"<unk>"` what does not occur in the training text.
        train: int32 `[N]`, values below `len(vocabulary)`; at least 2, as of the others.
        validation: int32 `[M]`.
        test: int32 `[K]`.
        version: of a prepared set of TensorFlow Datasets, such as `"1.0.0"`; None for others.
    """

    name: str
    unit: str
    vocabulary: tuple[str, ...]
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    version: str | None = None

    @property
    def vocabulary_size(self) -> int:
        """How many words or characters there are."""
        return len(self.vocabulary)

    @property
    def measure(self) -> str:
        """The measure reported of a text of this unit: `perplexity`, or `bits_per_character`."""
        return "perplexity" if self.unit == vocabulary.WORDS else "bits_per_character"

    def reported(self, nats: float) -> float:
        """A mean cross-entropy in the measure of the unit; smaller is better.

        Args:
            nats: for each word or character.

        Returns:
            `exp(nats)` for words, inf where no float holds it; `nats / log(2)` for characters.
        """
        if self.unit == vocabulary.CHARACTERS:
            return nats / math.log(2)
        try:
            return math.exp(nats)
        except OverflowError:
            return math.inf

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text that may go on, such as a prompt; int32 `[tokens]`.

        Raises:
            UserError: it has words or characters that the vocabulary has not.
        """
        found = vocabulary.tokens(text, self.unit, ends=False)
        return vocabulary.encode(found, self.vocabulary, f"the {self.unit} of the text")

    def decode(self, numbers) -> str:
        """The text of numbers."""
        return vocabulary.decode(numbers, self.vocabulary, self.unit)

    def description(self) -> dict:
        """The contents of a run's `data.json`: all but the text, of which it has hashes."""
        splits = {name: getattr(self, name) for name in split_description.SPLITS}
        return {
            "kind": _KIND,
            "name": self.name,
            "unit": self.unit,
            "vocabulary": list(self.vocabulary),
            **split_description.counts({name: len(one) for name, one in splits.items()}, _COUNTED),
            "fingerprint": {"version": self.version, **split_description.hashes(splits)},
        }


def difference(before: dict, now: dict) -> str | None:
    """Says in which way a text is another one than before.

    Args:
        before: a `TextData.description()` that was kept.
        now: that of the present text.

    Returns:
        The first difference; None if there is none. The name is not compared, because it may be
        that of a file.
    """
    if before.get("kind") != now["kind"]:
        return "the data were no text and are one now"
    if before["unit"] != now["unit"]:
        return f"the text was read in {before['unit']} and is now in {now['unit']}"
    first, second = before["vocabulary"], now["vocabulary"]
    if len(first) != len(second):
        return f"the vocabulary had {len(first):,} {now['unit']} and has now {len(second):,}"
    for number, pair in enumerate(zip(first, second, strict=True)):
        if pair[0] != pair[1]:
            return f"number {number} of the vocabulary was {pair[0]!r} and is now {pair[1]!r}"
    return split_description.difference(before, now, _COUNTED, _KIND, now["unit"])


def digest(description: dict) -> str:
    """One hash of all that a network trained on the text depends on.

    Args:
        description: a `TextData.description()`, or what was kept of one.
    """
    return hash_settings(description, _DECISIVE)


def load_description(path) -> dict:
    """Reads and checks a `data.json` that was written from `TextData.description()`.

    Raises:
        UserError: the file cannot be read, or does not describe a text.
    """
    description = split_description.read(path, _KIND, "a text")
    if description.get("unit") not in vocabulary.UNITS:
        raise UserError(
            f"{path}: unit is {description.get('unit')!r}, expected one of "
            f"{', '.join(vocabulary.UNITS)}"
        )
    known = description.get("vocabulary")
    if not (isinstance(known, list) and known and all(isinstance(x, str) for x in known)):
        raise UserError(f"{path}: vocabulary is {known!r:.60}, expected a list of texts")
    split_description.check(path, description, _COUNTED, _KIND)
    return description
