"""The flag files of published results name what later versions may have other defaults for."""

import pathlib

import pytest

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
ALL = sorted(CONFIGS.rglob("*.flags"))
TEXTS, SERIES = (
    [path for path in ALL if f"--task={task}" in path.read_text()]
    for task in ("language_model", "forecasting")
)
# te-nas trains nothing.
FILES = sorted({*ALL} - {*TEXTS, *SERIES, CONFIGS / "nas_bench_201" / "te-nas.flags"})


def names_in(path) -> set[str]:
    """The flags that a file gives, those of the files that it reads included."""
    names = set()
    for line in path.read_text().splitlines():
        name, _, value = line.removeprefix("--").partition("=")
        if name == "flagfile":
            names |= names_in(CONFIGS.parent / value)
        elif line.startswith("--"):
            names |= {name, name.removeprefix("no")}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_done_to_training_images_is_named(path):
    expected = {"flip", "crop"} | ({"cutout"} if path.stem.endswith("evaluate") else set())
    assert expected <= names_in(path)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_how_a_text_is_read_and_trained_on_is_named(path):
    expected = {"unit", "bptt", "batch_size", "epochs", "seed"}
    expected |= {"learning_rate" if "evaluate" in path.stem else "weight_learning_rate"}
    assert expected <= names_in(path)
