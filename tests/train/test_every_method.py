"""Every row of the table of methods finds from Python the cell that train.search finds."""

import dataclasses
import re

import keras
import numpy as np
import pytest

from darts_tf import datasets, methods, selections
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.search.architecture_search import ArchitectureSearch
from train import search
from train.search import DistributedSearchConfig

EPOCHS, BATCH, CELLS = 2, 4, 1
# A quarter of them is the least that partial channels can be.
CHANNELS = 4
# They copy operations, which edges of these cells cannot hold twice.
COPIES = ["growing-copies", "growing-splits"]
ROWS = [m.name for m in methods.METHODS.values() if m.trains and m.name not in COPIES]
NOT_SEARCHED = [method.name for method in methods.METHODS.values() if not method.trains]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The path of a data set of two classes, light and dark; one batch for each of both levels."""
    labels = np.arange(2 * BATCH) % 2
    pixels = np.random.default_rng(0).integers(0, 120, (2 * BATCH, 4, 4, 1))
    pixels += 120 * labels[:, None, None, None]
    path = tmp_path_factory.mktemp("data") / "light.npz"
    pixels = pixels.astype("uint8")
    np.savez(path, x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    return str(path)


def of_program(name, space, dataset, folder, **options) -> Genotype:
    """The cell that train.search writes."""
    config = DistributedSearchConfig(
        method=name,
        space=space,
        dataset=dataset,
        output_dir=str(folder),
        epochs=EPOCHS,
        batch_size=BATCH,
        channels=CHANNELS,
        eigenvalue_every=0,
        **options,
    )
    search.main(config)
    return Genotype.load(folder / "genotype.json")


def from_python(method, space, dataset, selection=None, crop=True, cells=CELLS) -> Genotype:
    """The cell that the three lines of the README find."""
    data = datasets.load(dataset)
    augmentation = datasets.Augmentation.suited_to(data) if crop else None
    parts = datasets.split(data.train_images, data.train_labels, 0.5, 0)
    normalised = {"mean": data.mean, "std": data.std, "drop_remainder": True}
    train, validation = (
        lambda epoch, part=part, seed=seed: datasets.batches(
            *part,
            BATCH,
            augmentation=augmentation,
            shuffle=True,
            seed=seed,
            epoch=epoch,
            **normalised,
        )
        for seed, part in enumerate(parts)
    )
    keras.utils.set_random_seed(0)
    supernet = method.make_supernet(space, data.image_shape, data.num_classes, CHANNELS, cells)
    found = ArchitectureSearch(supernet, method)
    found.fit(train, validation, EPOCHS, verbose=0)
    return found.genotype(datasets.batches(*parts[1], BATCH, **normalised), selection)


# One of each kind of cell, of draws, of stages, of selections, of levels and of what grows.
FEW = (
    "darts-v1",
    "gdas",
    "pc-darts",
    "p-darts",
    "darts-pt",
    "sgas",
    "random-ws",
    "tetlo",
    "growing",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[] if x in FEW else pytest.mark.thorough) for x in ROWS]
)
@pytest.mark.filterwarnings("ignore:.*no operation that was selected:UserWarning")
def test_the_same_cell(name, images, one_stage_space, eagerly, tmp_path):
    method, options, selection = methods.get(name), {"cells": CELLS}, None
    sizes = [CELLS]
    if method.stages:
        # The three stages, not their depth; the program takes no less.
        sizes = [3, 3, 6]
        options = {"stage_cells": tuple(map(str, sizes))}
        stages = (
            dataclasses.replace(stage, cells=cells)
            for stage, cells in zip(method.stages, sizes, strict=True)
        )
        method = dataclasses.replace(method, stages=tuple(stages))
    if hasattr(selections.get(method.selection), "samples"):
        options["candidates"] = 3
        selection = dataclasses.replace(selections.get(method.selection), samples=3)
    # How images are shifted does not depend on the method, and takes a third of the time.
    options["crop"] = crop = name == ROWS[0]
    program = of_program(name, one_stage_space, images, tmp_path / "run", **options)
    assert from_python(method, one_stage_space, images, selection, crop, sizes[0]) == program


@pytest.mark.parametrize("name", NOT_SEARCHED)
def test_the_others_say_what_to_call(name, one_stage_space):
    method = methods.get(name)
    size = one_stage_space, (4, 4, 1), 2, CHANNELS, CELLS
    if method.has_supernet:
        with pytest.raises(UserError, match=f"{name!r} trains no supernet; call the selection "):
            ArchitectureSearch(method.make_supernet(*size), method)
        with pytest.raises(UserError, match="trains no supernet"):
            ArchitectureSearch(methods.get("darts-v1").make_supernet(*size), name)
    else:
        with pytest.raises(UserError, match=f"{name!r} has no supernet: .* see darts_tf.baselines"):
            method.make_supernet(*size)
        with pytest.raises(UserError, match=f"{name!r} searches without a supernet; see darts_tf"):
            ArchitectureSearch(methods.get("darts-v1").make_supernet(*size), name)


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_refused_alike(name, images, one_stage_space, tmp_path):
    with pytest.raises(UserError, match="needs the space two_input_rnn") as refused:
        of_program(name, one_stage_space, images, tmp_path / "run", cells=CELLS)
    with pytest.raises(UserError, match=re.escape(str(refused.value))):
        from_python(methods.get(name), one_stage_space, images)


def test_every_row_is_one_or_the_other():
    assert sorted([*ROWS, *COPIES, *NOT_SEARCHED]) == sorted(methods.METHODS)
    assert NOT_SEARCHED == ["te-nas", "random", "aging-evolution"]
