"""Bazel's targets hold what they import. Read from the file BUILD; no Bazel is needed."""

import ast
import collections
import functools
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def _glob(include, exclude=()):
    found, left_out = (
        {path.relative_to(ROOT).as_posix() for pattern in patterns for path in _paths(pattern)}
        for patterns in (include, exclude)
    )
    return sorted(found - left_out)


def _paths(pattern):
    # Bazel's ** stands for files too.
    paths = ROOT.glob(f"{pattern}/*" if pattern.endswith("**") else pattern)
    return (path for path in paths if path.is_file())


def _read():
    """Kind of target -> name -> its arguments. BUILD is Starlark, which here is Python too."""
    targets = collections.defaultdict(dict)

    def rule(kind):
        return lambda name, **arguments: targets[kind].update({name: arguments})

    kinds = ("py_library", "py_binary", "py_test")
    names = {"load": lambda *_: None, "package": lambda **_: None, "glob": _glob}
    exec((ROOT / "BUILD").read_text(), names | {kind: rule(kind) for kind in kinds})  # noqa: S102
    return targets


TARGETS = _read()
LIBRARIES = TARGETS["py_library"]


def _all(names, what):
    """The files that libraries and all that they depend on have as `srcs` or `data`."""
    files = set()
    for name in names:
        library = LIBRARIES[name.removeprefix(":")]
        files |= set(library.get(what, ())) | _all(library.get("deps", ()), what)
    return files


@functools.cache
def _imports(path: str) -> frozenset[str]:
    """The files of this project that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}, line {node.lineno}: a relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    stems = [name.replace(".", "/") for name in names]
    files = [f"{stem}{ending}" for stem in stems for ending in (".py", "/__init__.py")]
    return frozenset(file for file in files if (ROOT / file).exists())


def _missing(sources, at_hand):
    return sorted((path, file) for path in sources for file in _imports(path) - at_hand)


@pytest.mark.parametrize("name", [name for name in LIBRARIES if name != "testing"])
def test_a_library_has_all_that_it_imports(name):
    assert _missing(LIBRARIES[name]["srcs"], _all([name], "srcs")) == []


def test_programs_have_all_that_they_import():
    for program in TARGETS["py_binary"].values():
        at_hand = _all(program["deps"], "srcs")
        assert _missing(program["srcs"], at_hand) == []


def test_tests_have_all_that_they_import():
    for test in TARGETS["py_test"].values():
        at_hand = _all(test["deps"], "srcs") | set(test["srcs"])
        # What lies beside the tests of a folder is for them.
        (folder,) = {path.rpartition("/")[0] for path in test["args"]}
        beside = {path for path in at_hand if path.rpartition("/")[0] == folder}
        used = {*test["srcs"], *beside, "tests/conftest.py"}
        assert _missing(used, at_hand) == []


def test_every_file_is_in_a_library():
    files = _glob(["darts_tf/**/*.py", "train/**/*.py"])
    assert set(files) == _all([":train"], "srcs")


def test_every_data_file_of_the_package_is_in_a_library():
    others = [path for path in _glob(["darts_tf/**"]) if not path.endswith((".py", ".pyc"))]
    assert others and set(others) <= _all([":darts_tf"], "data")
