"""The rooms of the package, the folders of darts_tf, and who may import whom."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
# From the top down: a room imports from those of lower floors only.
FLOORS = (
    ("benchmark", "budget", "report", "tuner"),
    ("networks",),
    ("search",),
    ("methods",),
    ("costs", "schedules", "selections", "verification"),
    ("levels",),
    ("supernets",),
    ("baselines", "cells", "macros", "nas_bench", "plots"),
    ("export", "genotypes", "operations", "relaxations", "serving"),
    ("datasets", "gradients", "layers", "runs", "runtime", "spaces"),
    ("tasks",),
    ("common",),
)
FLOOR_OF = {room: -number for number, rooms in enumerate(FLOORS) for room in rooms}


def imported(path):
    """The modules of this repository that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "darts_tf":
            names = [f"darts_tf.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        yield from (name for name in names if name.split(".")[0] in ("darts_tf", "train"))


def room_of(module):
    return module.split(".")[1] if "." in module else None


@pytest.mark.parametrize("room", FLOOR_OF)
def test_imports_point_down(room):
    files = list((ROOT / "darts_tf" / room).rglob("*.py"))
    assert files
    for path in files:
        for module in imported(path):
            assert module.startswith("darts_tf"), f"{path} imports {module}"
            other = room_of(module)
            # The face of the package holds names, no code.
            assert other in FLOOR_OF, f"{path} imports {module}"
            assert other == room or FLOOR_OF[other] < FLOOR_OF[room], f"{path} imports {module}"


def test_every_file_is_in_a_room():
    folders = {p.name for p in (ROOT / "darts_tf").iterdir() if p.is_dir()} - {"__pycache__"}
    assert folders == set(FLOOR_OF)
    assert [p.name for p in (ROOT / "darts_tf").glob("*.py")] == ["__init__.py"]


def test_tests_mirror_the_package():
    for path in (ROOT / "tests").rglob("test_*.py"):
        folder = path.relative_to(ROOT / "tests").parts[0]
        if folder != path.name:
            assert folder in {*FLOOR_OF, "train", "scripts"}, path
