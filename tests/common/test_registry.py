"""A name, an object, a class or a configuration stands for a part; files hold a name."""

import dataclasses

import pytest

from darts_tf.common.errors import UserError
from darts_tf.common.registry import Registry, Unnamed


class Part(Unnamed):
    """A part without arguments."""


@dataclasses.dataclass(frozen=True)
class Sized(Part):
    """A part with an argument."""

    size: int = 1


class Other:
    """No part."""


@pytest.fixture
def registry():
    return Registry("thing", {"one": Part(), "two": Sized(2)}, Part)


def test_a_mapping_for_reading(registry):
    assert list(registry) == ["one", "two"] and len(registry) == 2 and "three" not in registry
    with pytest.raises(TypeError, match="does not support item assignment"):
        registry["three"] = Part()
    assert registry.register("three", Sized(3)) is registry["three"]
    with pytest.raises(UserError, match="another thing named 'one'"):
        registry.register("one", Sized())


@pytest.mark.parametrize(
    "given, expected",
    [
        ("two", Sized(2)),
        (Sized(3), Sized(3)),
        (Sized, Sized(1)),
        ({"class_name": "Sized", "config": {"size": 4}}, Sized(4)),
    ],
)
def test_what_stands_for_a_part(registry, given, expected):
    assert registry.resolve(given) == expected


@pytest.mark.parametrize(
    "given, reason",
    [
        ("three", "unknown thing 'three'; expected one of one, two"),
        (7, r"expected a thing: a name \(one, two\), an object or a configuration; got 7"),
        (Other, "got <class"),
        (Other(), "got <"),
        ({"class_name": "Other"}, "'Other', but no registered thing .* The classes: Sized, Part"),
        ({"class_name": "Sized", "config": [3]}, "no registered thing"),
        ({}, "class_name None"),
        (
            {"class_name": "Sized", "config": {"width": 3}},
            r"{'width': 3} does not fit Sized",
        ),
    ],
)
def test_what_does_not(registry, given, reason):
    with pytest.raises(UserError, match=reason):
        registry.resolve(given)


def test_callables_and_registered_classes():
    registry = Registry("rule", {"length": len, "made": Sum})
    assert registry.resolve(len) is len and registry.resolve(Sum)(1, 2) == 3
    assert registry.resolve("made")(1, 2) == 3
    assert registry.serialize(Sum()) == "made" and registry.label(max) == "max"
    with pytest.raises(UserError, match="expected a rule"):
        registry.resolve(Part())


class Sum:
    def __call__(self, one, other):
        return one + other


def test_a_class_that_needs_arguments(registry):
    registry.register("needs", Needs)
    with pytest.raises(UserError, match="does not fit Needs: .*'size'"):
        registry.resolve("needs")
    own = registry.serialize(Needs(3))
    assert own == {"class_name": "Needs", "config": {"size": 3}}
    assert registry.resolve(own) == Needs(3)


@dataclasses.dataclass(frozen=True)
class Needs(Part):
    """A part that cannot do without an argument."""

    size: int


def test_what_files_hold(registry):
    assert registry.serialize("one") == registry.serialize(Part()) == "one"
    assert registry.serialize(Sized(2)) == "two"
    own = registry.serialize(Sized(3))
    assert own == {"class_name": "Sized", "config": {"size": 3}}
    assert registry.resolve(own) == Sized(3) and registry.label(Sized(3)) == "Sized"


def test_what_they_cannot_hold(registry):
    @dataclasses.dataclass
    class Own(Part):
        size: int = 1

    own = Own()
    assert registry.serialize(own) is own
    with pytest.raises(UserError, match="Own has no name, .*; register it"):
        own.get_config()
