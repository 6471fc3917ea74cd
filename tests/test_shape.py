"""How long files are, and how many arguments functions have."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FOLDERS = ("darts_tf", "train", "scripts", "tests", "examples")
MOST_LINES, MOST_ARGUMENTS = 300, 7
# Public functions that make something or start it, whose options are for keywords.
MANY_ARGUMENTS = {
    "darts_tf/datasets/loading.py": {"from_arrays", "load"},
    "darts_tf/datasets/pipeline.py": {"batches"},
    "darts_tf/datasets/series_loading.py": {"load_series"},
    "darts_tf/export/export.py": {"export_model"},
    "darts_tf/networks/network.py": {"build_network"},
    "darts_tf/search/architecture_search.py": {"fit"},
    "darts_tf/benchmark/workloads.py": {"measure_search"},
}


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def count_arguments(function) -> int:
    """All but `self` and `cls`; `*args` and `**kwargs` count as one each."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    named = [name for name in names if name not in ("self", "cls")]
    return len(named) + (given.vararg is not None) + (given.kwarg is not None)


@pytest.mark.parametrize("folder", FOLDERS)
def test_files(folder):
    lines = {path: path.read_text().count("\n") for path in files(folder)}
    assert lines
    assert [str(path) for path, count in lines.items() if count > MOST_LINES] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_functions(folder):
    """But for constructors, whose arguments are what a thing is made of."""
    many = {}
    for path in files(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef) or node.name == "__init__":
                continue
            if count_arguments(node) > MOST_ARGUMENTS:
                many.setdefault(str(path.relative_to(ROOT)), set()).add(node.name)
    expected = {p: names for p, names in MANY_ARGUMENTS.items() if p.startswith(f"{folder}/")}
    assert many == expected


def test_what_counts_as_an_argument():
    code = "def f(self, a, /, b, *args, c, d=1, **kwargs): ..."
    assert count_arguments(ast.parse(code).body[0]) == 6
