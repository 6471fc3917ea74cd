"""The flags of a program, as a value.

A program's configuration is a frozen dataclass, and a field of it is a flag of the same name:

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class TrainingConfig(Config):
        epochs: int = fields.integer(50, "Epochs to search.", lower_bound=1)

    def main(config: TrainingConfig) -> None: ...

    program.run(main)

Only `train.program` defines absl's flags from it and reads them. All else is given the object, so
that what a program does can be called from Python, and several times in a process. Programs share
flags by inheriting from a configuration that has them.
"""

import dataclasses
import functools
import sys
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from absl import flags

from darts_tf.common.errors import UserError
from train import fields


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Settings; the base of all configurations.

    Args:
        given: the names of the settings that the user chose, be it as their default is. The others
            may be chosen for him: by the data, or by the run that goes on.
    """

    #: The flag that takes the words of the command line that are no flags; None: there is none.
    bare_words: ClassVar[str | None] = None
    #: Why the program has no --task, for whoever gives it one.
    without_task: ClassVar[str] = "this program has nothing to do with one"

    given: frozenset[str] = frozenset()

    @classmethod
    def names(cls) -> list[str]:
        """The names of all flags."""
        return [field.name for field in dataclasses.fields(cls) if fields.DEFINE in field.metadata]

    @classmethod
    def shown(cls) -> list[str]:
        """The names of the flags that stand in `--help`; all stand in `--helpfull`."""
        return cls.names()

    @classmethod
    def define_flags(cls, flag_values: flags.FlagValues) -> flags.FlagValues:
        """Defines the flags among others of absl, and returns them all."""
        shown = cls.shown()
        for field in dataclasses.fields(cls):
            if fields.DEFINE in field.metadata:
                field.metadata[fields.DEFINE](
                    field.name, flag_values, _absl_module(cls, field.name)
                )
                if field.name in shown:
                    flag_values.register_key_flag_for_module(sys.argv[0], flag_values[field.name])
        return flag_values

    @classmethod
    def from_flags(cls, flag_values: flags.FlagValues) -> Self:
        """The configuration that flags which have been parsed describe."""
        found = {name: flag_values[name] for name in cls.names()}
        values = {name: fields.frozen(flag.value) for name, flag in found.items()}
        return cls(given=frozenset(name for name in found if found[name].present), **values)

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """The configuration of `--name=value` as on a command line.

        Raises:
            absl.flags.Error: there is no such flag, or it has no such value.
        """
        values = cls.define_flags(flags.FlagValues())
        values([sys.argv[0], *words])
        return cls.from_flags(values)

    @classmethod
    def parse(cls, name: str, value):
        """A value of JSON as the flag of that name takes it.

        Raises:
            TypeError, ValueError: it does not.
        """
        return value if value is None else fields.frozen(_flags_of(cls)[name].parser.parse(value))

    def values(self, names: Iterable[str]) -> dict:
        """The values of some flags, by name."""
        return {name: getattr(self, name) for name in names}

    def without_meaning(self) -> list[str]:
        """The names of the flags that can change nothing, whatever they are. Default: none."""
        return []

    def words(self, names: Iterable[str]) -> list[str]:
        """Those of these flags that have a value, as they are written on a command line."""
        found = type(self).define_flags(flags.FlagValues())
        words = []
        for name, value in self.values(names).items():
            several = isinstance(found[name], flags.MultiFlag)
            for one in [[text] for text in value] if several else [value]:
                if one is not None:
                    found[name].value = list(one) if isinstance(one, tuple) else one
                    words.append(found[name].serialize())
        return words

    def refuse_given(self, names: Iterable[str], why: str) -> None:
        """Refuses flags that the user gave although they can change nothing.

        Args:
            names: of the flags.
            why: what follows the first of them in the message.

        Raises:
            UserError: names the flag.
        """
        for name in names:
            if name in self.given:
                raise UserError(f"--{name} {why}")


@functools.cache
def _flags_of(cls) -> flags.FlagValues:
    """Flags of which only the parsers may be used."""
    return cls.define_flags(flags.FlagValues())


def _absl_module(cls, name: str) -> str:
    """The module of the class whose field that is, as absl calls it: `--helpfull` goes by it."""
    owner = next(base for base in cls.__mro__ if name in vars(base).get("__annotations__", {}))
    return sys.argv[0] if owner.__module__ == "__main__" else owner.__module__
