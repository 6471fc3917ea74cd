"""A configuration is what the flags say, and needs none to be made."""

import dataclasses

import pytest
from absl import flags

from darts_tf.common.errors import UserError
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shared(Config):
    seed: int = fields.integer(0, "A seed.", lower_bound=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Own(Shared):
    name: str | None = fields.text(None, "A name.")
    rate: float = fields.number(0.5, "A rate.")
    flip: bool | None = fields.switch(None, "Whether.")
    kind: str = fields.choice("a", ["a", "b"], "A kind.")
    cells: tuple[str, ...] | None = fields.words(None, "Some cells.")
    compare: tuple[str, ...] = fields.texts("Some texts.")

    @classmethod
    def shown(cls):
        return ["name"]


def test_without_flags():
    config = Own(rate=0.25)
    assert (config.seed, config.rate, config.compare, config.given) == (0, 0.25, (), frozenset())
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.rate = 1.0


def test_from_words():
    words = ["--seed=0", "--noflip", "--cells=3,4", "--compare=x", "--compare=y"]
    config = Own.from_words(words)
    assert config == Own(
        flip=False,
        cells=("3", "4"),
        compare=("x", "y"),
        # One that is given as it would be anyway is given too.
        given=frozenset({"seed", "flip", "cells", "compare"}),
    )


@pytest.mark.parametrize("word", ["--seed=-1", "--kind=c", "--rate=x", "--other=1"])
def test_words_that_are_refused(word):
    with pytest.raises(flags.Error, match=word.partition("=")[0].removeprefix("--")):
        Own.from_words([word])


def test_words_lead_back():
    config = Own(name="a, b", flip=True, cells=("3", "4"), compare=("x", "y z"), rate=1e-4)
    words = config.words(config.names())
    assert words == [
        *("--seed=0", "--name=a, b", "--rate=0.0001", "--flip", "--kind=a", "--cells=3,4"),
        *("--compare=x", "--compare=y z"),
    ]
    again = Own.from_words(words)
    assert dataclasses.replace(again, given=frozenset()) == config


@pytest.mark.parametrize(
    "name, value, expected",
    [("seed", 3, 3), ("cells", ["3"], ("3",)), ("flip", None, None), ("rate", 1, 1.0)],
)
def test_values_of_json(name, value, expected):
    assert Own.parse(name, value) == expected
    with pytest.raises((TypeError, ValueError)):
        Own.parse("seed", [value])


def test_flags_are_those_of_a_program_alone():
    """Two configurations have flags of one name, and define none before a program runs."""
    known = Own.define_flags(flags.FlagValues())
    assert set(known) == {"seed", "name", "rate", "flip", "kind", "cells", "compare"}
    # Programs that other tests of this process have imported may have flags of such names.
    helps = {flags.FLAGS[name].help for name in flags.FLAGS}
    assert not {"A name.", "Some cells."} & helps
    shown = known.main_module_help()
    assert "--name" in shown and "--rate" not in shown


def test_what_was_given_in_vain():
    config = Own.from_words(["--rate=0.5"])
    config.refuse_given(["seed", "name"], "has no meaning")
    with pytest.raises(UserError, match="^--rate has no meaning here$"):
        config.refuse_given(["seed", "rate"], "has no meaning here")
