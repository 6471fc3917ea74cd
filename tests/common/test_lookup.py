import functools
import pathlib
import re

import numpy as np
import pytest

from darts_tf import baselines, macros, methods, operations, relaxations, selections, spaces
from darts_tf.common import lookup
from darts_tf.common.errors import UserError
from darts_tf.genotypes import published
from darts_tf.operations import operation

PAGE = pathlib.Path(__file__).parents[2] / "docs/spaces.md"
_OWN = r"import keras\n.*?(?=supernet = Supernet\(\"sequences\")"


def cell_of_a_notebook(code, times=1):
    """The names that `code` defines when a notebook has run it, every time as new objects."""
    names = {"__name__": "__main__", "functools": functools}
    for _ in range(times):
        exec(code, names)  # noqa: S102
    return names


DEFINITIONS = {
    "function": "def x(channels, strides, size=3):\n    return [channels, (strides, size)]",
    "lambda": "x = lambda channels: channels + 1",
    "enclosed": "def make(n):\n    return lambda c: c + n\nx = make(3)",
    "class": "class x:\n    size = 3\n    def f(self):\n        return super().__hash__()",
    "instance": "class X:\n    def __init__(self):\n        self.a = [1, {'b': 2.0}]\nx = X()",
    "dataclass": "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass X:\n"
    "    size: int = 3\nx = X()",
    "slots": "class X:\n    __slots__ = 'ab'\nx = X()\nx.ab = 3",
    "partial": "def f(a, b):\n    return a * b\nx = functools.partial(f, b=3)",
    "methods": "class x:\n    @staticmethod\n    def f():\n        return 3\n    @property\n"
    "    def p(self):\n        return 3",
}


class TestSameDefinition:
    @pytest.mark.parametrize("code", DEFINITIONS.values(), ids=DEFINITIONS)
    def test_run_twice(self, code):
        one, other = (cell_of_a_notebook(code)["x"] for _ in range(2))
        assert one is not other and lookup.is_same_definition(one, other)
        moved = cell_of_a_notebook(f"\n\n{code}")["x"]
        assert lookup.is_same_definition(one, moved)

    @pytest.mark.parametrize("name", DEFINITIONS)
    def test_changed(self, name):
        code = DEFINITIONS[name]
        for number, instead in (("3", "5"), ("1", "1.0"), ("super()", "object")):
            if number in code:
                one, other = (
                    cell_of_a_notebook(c)["x"] for c in (code, code.replace(number, instead))
                )
                assert not lookup.is_same_definition(one, other)

    def test_the_same_code_elsewhere(self):
        code = DEFINITIONS["function"]
        one, other = cell_of_a_notebook(code)["x"], cell_of_a_notebook(code)["x"]
        other.__module__ = "elsewhere"
        assert not lookup.is_same_definition(one, other)

    def test_arrays_and_other_values(self):
        assert lookup.is_same_definition((1, "a"), (1, "a"))
        assert not lookup.is_same_definition((1, "a"), (1.0, "a"))
        assert lookup.is_same_definition(np.arange(2), np.arange(2))
        assert not lookup.is_same_definition(np.arange(2), np.arange(2.0))
        assert not lookup.is_same_definition(np.arange(2), np.arange(1, 3))
        assert not lookup.is_same_definition(object(), object())


def test_register():
    table = {"one": 1}
    assert lookup.register("number", table, "two", 2) == 2
    assert lookup.register("number", table, "two", 2) == 2
    with pytest.raises(UserError, match="another number named 'two'; choose another name, or say"):
        lookup.register("number", table, "two", 3)
    assert table == {"one": 1, "two": 2}
    lookup.register("number", table, "two", 3, replace=True)
    assert table == {"one": 1, "two": 3}


# For each registry a built-in name, and how to register something else by it.
_BUILT_IN = {
    "operations": (
        operation,
        "_REGISTRY",
        "sep_conv_3x3",
        lambda **how: operations.register("sep_conv_3x3", **how)(operations.Identity),
    ),
    "spaces": (
        spaces,
        "_SPACES",
        "darts_cnn",
        lambda **how: spaces.register(
            spaces.Space("darts_cnn", ("none", "skip_connect"), nodes=1), **how
        ),
    ),
    "macros": (
        macros,
        "_MACROS",
        "darts",
        lambda **how: macros.register(macros.Staged("darts", len, len), **how),
    ),
    "relaxations": (
        relaxations,
        "_RELAXATIONS",
        "softmax",
        lambda **how: relaxations.register("softmax", relaxations.Sigmoid(), **how),
    ),
    "selections": (
        selections,
        "_SELECTIONS",
        "magnitude",
        lambda **how: selections.register("magnitude", selections.top_pairs, **how),
    ),
    "methods": (
        methods,
        "METHODS",
        "darts-v1",
        lambda **how: methods.register(
            methods.Method("darts-v1", "one_level", "another paper"), **how
        ),
    ),
    "baselines": (
        baselines,
        "BASELINES",
        "random",
        lambda **how: baselines.register(_Another(), **how),
    ),
}


class _Another(baselines.AgingEvolution):
    name = "random"


@pytest.mark.parametrize("registry", _BUILT_IN)
def test_built_in_parts_are_replaced_only_when_told_so(registry, monkeypatch):
    module, table, name, replace = _BUILT_IN[registry]
    parts = getattr(module, table)
    monkeypatch.setattr(parts, "_entries", dict(parts))
    before = parts[name]
    with pytest.raises(UserError, match=f"another .* named '{name}'"):
        replace()
    assert parts[name] is before
    replace(replace=True)
    assert parts[name] is not before


@pytest.mark.parametrize(
    "table", [methods.METHODS, baselines.BASELINES, selections.CRITERIA, published.GENOTYPES]
)
def test_public_tables_are_for_reading(table):
    with pytest.raises(TypeError, match="does not support item assignment"):
        table["random"] = None


def test_the_documented_cell_of_an_own_space_runs_twice(monkeypatch):
    for module, table in ((operation, "_REGISTRY"), (spaces, "_SPACES"), (macros, "_MACROS")):
        # Without what the example of the same names has registered.
        parts = getattr(module, table)
        known = {k: v for k, v in parts.items() if k not in _NAMES}
        monkeypatch.setattr(parts, "_entries", known)
    code = re.search(_OWN, PAGE.read_text(), re.DOTALL)[0]
    assert "operations.register" in code and "spaces.register" in code
    cell_of_a_notebook(code, times=2)
    assert spaces.get("sequences").macro == macros.get("sequences").name == "sequences"
    edited = code.replace("Conv1D(channels, 3, strides", "Conv1D(channels, 5, strides")
    with pytest.raises(UserError, match="another operation named 'conv1d_3'"):
        cell_of_a_notebook(edited)


_NAMES = ("conv1d_3", "sequences")


def enclosing(kernel):
    """A class whose last method encloses a value, behind others that don't."""

    class Operation:
        def call(self):
            return 1

        def compute_output_shape(self):
            return 2

        def get_config(self):
            return 3

        def build(self):
            return kernel

    return Operation


def test_a_value_that_one_of_many_methods_encloses():
    assert not any(lookup.is_same_definition(enclosing(3), enclosing(5)) for _ in range(20))
    assert lookup.is_same_definition(enclosing(3), enclosing(3))


def test_arrays_and_cached_properties():
    def make(prior):
        class Part:
            start = np.array([1.0, 2.0])

            def __init__(self):
                self.prior = np.full(3, prior)

            @functools.cached_property
            def doubled(self):
                return 2 * self.prior

        return Part

    assert lookup.is_same_definition(make(1.0), make(1.0))
    assert lookup.is_same_definition(make(1.0)(), make(1.0)())
    assert not lookup.is_same_definition(make(1.0)(), make(2.0)())
