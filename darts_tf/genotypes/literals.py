"""Python and JSON literals as other programs print them, read without evaluating anything.

Numbers, strings, lists, tuples, dictionaries, `range(2, 6)`, NumPy's `np.int64(1)`, and calls such
as `Genotype(normal=[...])`, which become a `Call`: their name and arguments, and nothing is called.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from darts_tf.common.errors import UserError

#: Of one literal: that of the largest published cell has 700 characters.
MOST_CHARACTERS = 100_000
DEEPEST = 10
#: Of a `range`.
_MOST_NUMBERS = 1000

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    | [uU]?(?:'(?P<single>[^'\\\n]*)'|"(?P<double>[^"\\\n]*)")
    | (?P<name>[A-Za-z_][\w.]*)
    | (?P<sign>[()\[\]{},:=])
    )""",
    re.VERBOSE | re.ASCII,
)
_CONSTANTS = {
    **{"None": None, "True": True, "False": False},
    **{"null": None, "true": True, "false": False},
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that stands in a text: `Genotype([...], concat=range(1, 9))`.

    Attributes:
        name: of what is called, without the modules before it.
        arguments: those without a name.
        named: those with one.
    """

    name: str
    arguments: tuple
    named: dict[str, Any]


class UnfinishedError(UserError):
    """The text ends within the literal."""


def read(text: str, start: int = 0) -> tuple[Any, int]:
    """The literal that begins somewhere in a text.

    Args:
        text: what holds it.
        start: where it begins.

    Returns:
        The value, and where it ends in the text.

    Raises:
        UserError: what stands there is no literal, or longer or deeper than any genotype is.
        UnfinishedError: the text ends first.
    """
    reader = _Reader(text, start)
    return reader.value(0), reader.end


class _Reader:
    """Reads tokens one after the other."""

    def __init__(self, text: str, start: int):
        self.end = start
        self._last = start + MOST_CHARACTERS
        self._cut = len(text) > self._last
        self._text = text
        self._ahead = None

    def _next(self) -> tuple[str, str]:
        """The kind and the text of the next token."""
        if self._ahead is not None:
            token, self._ahead = self._ahead, None
            return token
        match = _TOKEN.match(self._text, self.end, self._last)
        if match is None:
            self._refuse_rest()
        self.end = match.end()
        kind = match.lastgroup
        return ("text" if kind in ("single", "double") else kind), match[kind]

    def _refuse_rest(self):
        if self._text[self.end : self._last].strip():
            raise UserError(f"cannot read {self._text[self.end :].strip()!r:.40}")
        if self._cut:
            raise UserError(f"longer than {MOST_CHARACTERS:,} characters, which no genotype is")
        raise UnfinishedError(f"the text ends within it, after {self._text[-40:]!r}")

    def value(self, depth: int):
        """The next value; `depth`: how many others it stands in."""
        if depth > DEEPEST:
            raise UserError(f"nested more than {DEEPEST} deep, which no genotype is")
        kind, token = self._next()
        if kind == "text":
            return token
        if kind == "number":
            return _number(token)
        if kind == "name":
            return self._named(token, depth)
        if token in "([":
            items = [item for _, item in self._items(token, depth)]
            # (3) is 3 in Python, but nobody prints that.
            return items if token == "[" else tuple(items)
        if token == "{":
            return self._dictionary(depth)
        raise UserError(f"expected a value, got {token!r}")

    def _named(self, name: str, depth: int):
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        after = self._next()
        if after != ("sign", "("):
            raise UserError(f"{name!r:.60} is no value")
        arguments, named = [], {}
        for key, value in self._items("(", depth):
            if key is None:
                arguments.append(value)
            else:
                named[key] = value
        return _call(name, tuple(arguments), named)

    def _items(self, opening: str, depth: int) -> Iterator[tuple[str | None, Any]]:
        """The values up to the closing bracket, in a call with their names."""
        while True:
            token = self._next()
            if token == ("sign", _CLOSING[opening]):
                return
            key = None
            if token[0] == "name" and opening == "(" and token[1] not in _CONSTANTS:
                after = self._next()
                if after == ("sign", "="):
                    key = token[1]
                    yield key, self.value(depth + 1)
                else:
                    self._ahead = after
                    yield None, self._named(token[1], depth + 1)
            else:
                self._ahead = token
                yield None, self.value(depth + 1)
            if not self._goes_on(opening):
                return

    def _dictionary(self, depth: int) -> dict:
        found = {}
        while True:
            kind, key = self._next()
            if (kind, key) == ("sign", "}"):
                return found
            if kind != "text":
                raise UserError(f"expected a string as a key, got {key!r:.40}")
            if self._next() != ("sign", ":"):
                raise UserError(f"expected a colon after the key {key!r:.40}")
            found[key] = self.value(depth + 1)
            if not self._goes_on("{"):
                return found

    def _goes_on(self, opening: str) -> bool:
        """Whether a comma follows, and not the closing bracket."""
        kind, token = self._next()
        if kind == "sign" and token in (",", _CLOSING[opening]):
            return token == ","
        raise UserError(f"expected a comma or {_CLOSING[opening]!r}, got {token!r:.40}")


def _number(token: str) -> int | float:
    if len(token) > 40:
        raise UserError(f"{token[:20]}... is no number that a genotype has")
    return int(token) if re.fullmatch(r"[-+]?\d+", token) else float(token)


def _call(name: str, arguments: tuple, named: dict):
    """The plain value that a call stands for; else the call itself."""
    name = name.rpartition(".")[2]
    if name == "range" and not named:
        return _range(arguments)
    single = arguments[0] if len(arguments) == 1 and not named else None
    if name in ("list", "tuple") and isinstance(single, list | tuple):
        return {"list": list, "tuple": tuple}[name](single)
    if re.fullmatch(r"u?int\d*|float\d*|str_", name) and isinstance(single, int | float | str):
        return single
    return Call(name, arguments, named)


def _range(arguments: tuple) -> list[int]:
    if not 1 <= len(arguments) <= 3 or not all(type(number) is int for number in arguments):
        raise UserError(f"range{arguments!r:.60} is none of whole numbers")
    if len(arguments) == 3 and not arguments[2]:
        raise UserError("a range with steps of 0")
    numbers = range(*arguments)
    if len(numbers[: _MOST_NUMBERS + 1]) > _MOST_NUMBERS:
        raise UserError(f"range{arguments!r:.60} has more numbers than a cell has nodes")
    return list(numbers)
