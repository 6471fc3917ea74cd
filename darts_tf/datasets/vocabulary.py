"""From texts to numbers: which words or characters there are, and which number each one has."""

import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from darts_tf.common.errors import UserError

WORDS, CHARACTERS = "words", "characters"
UNITS = (WORDS, CHARACTERS)
#: A word of its own at the end of every line.
END_OF_LINE = "<eos>"
#: Stands for all that a vocabulary does not have.
UNKNOWN = "<unk>"


def check_unit(unit: str) -> str:
    """The unit itself.

    Raises:
        UserError: it is none.
    """
    if unit not in UNITS:
        raise UserError(f"a text's unit is {unit!r}; expected one of {', '.join(UNITS)}")
    return unit


def tokens(text: str, unit: str, ends: bool = True) -> Iterator[str]:
    """The words or the characters of a text, in order.

    Words are what lies between blanks; at the end of every line comes `END_OF_LINE`, as the
    published perplexities of the Penn Treebank and of WikiText-2 have it. An empty line is one too.

    Args:
        text: with line feeds.
        unit: of `UNITS`.
        ends: whether the last line has ended; not where the text will go on, as a prompt does.
    """
    if unit == CHARACTERS:
        yield from text
        return
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, start=1):
        yield from line.split()
        if ends or number < len(lines) or text.endswith("\n"):
            yield END_OF_LINE


def number(found: Iterable[str], numbers: dict[str, int]) -> np.ndarray:
    """The numbers of tokens, in the order in which they are met.

    Args:
        found: tokens.
        numbers: token -> its number; gets the tokens that are new.

    Returns:
        int32 `[tokens]`.
    """
    return np.array(array.array("i", (numbers.setdefault(x, len(numbers)) for x in found)), "int32")


def order(known: Sequence[str], counts: Sequence[int], unit: str) -> np.ndarray:
    """The places of tokens in a vocabulary that depends on nothing but the text.

    Words are ordered by how often they occur in training, the most frequent first, and by spelling
    where that is equal; characters by code point.

    Args:
        known: tokens.
        counts: how often each occurs in the training text.
        unit: of `UNITS`.

    Returns:
        Indices of `known`, in the order of the vocabulary.
    """
    falling = counts if unit == WORDS else np.zeros(len(known), int)
    return np.array(sorted(range(len(known)), key=lambda i: (-falling[i], known[i])), np.int32)


def encode(found: Iterable[str], vocabulary: Sequence[str], name: str) -> np.ndarray:
    """The numbers that a vocabulary gives to tokens.

    Args:
        found: tokens.
        vocabulary: token of each number. Where `UNKNOWN` is among them, it stands for all others.
        name: of the text, for the message.

    Returns:
        int32 `[tokens]`.

    Raises:
        UserError: a token is not in the vocabulary, which has no `UNKNOWN`.
    """
    numbers = {token: number for number, token in enumerate(vocabulary)}
    unknown = numbers.get(UNKNOWN)
    encoded = array.array("i")
    for position, token in enumerate(found, start=1):
        number = numbers.get(token, unknown)
        if number is None:
            raise UserError(
                f"number {position:,} of {name} is {token!r}, which the vocabulary has not, and it "
                f"has no {UNKNOWN} that could stand for it; leave it out"
            )
        encoded.append(number)
    return np.array(encoded, np.int32)


def decode(numbers: Iterable[int], vocabulary: Sequence[str], unit: str) -> str:
    """The text of numbers; of words, with a blank between two and a line feed at line ends."""
    found = [vocabulary[number] for number in numbers]
    if unit == CHARACTERS:
        return "".join(found)
    lines = " ".join("\n" if token == END_OF_LINE else token for token in found)
    return lines.replace(" \n ", "\n").replace(" \n", "\n").replace("\n ", "\n")
