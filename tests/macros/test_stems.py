"""Networks and supernets of images with other stems than CIFAR's."""

import dataclasses

import keras
import numpy as np
import pytest

from darts_tf import genotypes, macros, spaces
from darts_tf.common.errors import UserError
from darts_tf.costs import expected_cost
from darts_tf.macros import IMAGE_STEMS, Staged
from darts_tf.networks.network import build_network
from darts_tf.supernets.supernet import Supernet

SHAPE = (35, 42, 3)
IMAGES = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")
# Of the features that the first cell gives, by stem.
FIRST = {"cifar": (35, 42), "space_to_depth": (9, 11), "imagenet": (5, 6)}


@pytest.mark.parametrize(
    ("space", "stem"), [("darts_cnn", "imagenet"), ("nas_bench_201", "space_to_depth")]
)
def test_supernets(space, stem, tmp_path, eagerly):
    macro = macros.with_stem(spaces.get(space).macro, stem)
    assert macro is macros.get(f"{spaces.get(space).macro}_{stem}")
    assert macros.with_stem(macro, stem) is macro
    supernet = Supernet(space, SHAPE, 4, 2, 3, macro=macro.name)
    logits = supernet(IMAGES)
    assert logits.shape == supernet.compute_output_shape((2, *SHAPE)) == (2, 4)
    sizes = []
    supernet.walk(
        IMAGES, lambda part, taken: sizes.append(part) or _run(supernet, part, taken, sizes)
    )
    first = supernet.cells[0]
    assert sizes[sizes.index(first) + 1][1:3] == FIRST[stem]
    supernet.save(tmp_path / "supernet.keras")
    loaded = keras.saving.load_model(tmp_path / "supernet.keras")
    np.testing.assert_array_equal(loaded(IMAGES), logits)


def _run(supernet, part, taken, sizes):
    if part in supernet.cells:
        output = part(taken, supernet.architecture.cell_weights(None)[part.cell_type])
    else:
        output = part(taken)
    sizes.append(getattr(output, "shape", None))
    return output


@pytest.mark.parametrize("stem", IMAGE_STEMS[1:])
def test_the_cost_of_what_no_choice_changes_is_that_of_the_network(stem):
    """A network of nothing but skips, which cost nothing where they do not reduce."""
    space = dataclasses.replace(
        spaces.get("nas_bench_201"), macro=macros.with_stem("nas_bench_201", stem)
    )
    table = expected_cost.table(space, SHAPE, 4, 4, 3, measure=expected_cost.measure_flops)
    skips = genotypes.nas_bench_201.from_string(
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+"
        "|skip_connect~0|skip_connect~1|skip_connect~2|"
    )
    network = build_network(skips, SHAPE, 4, 4, 3, stem=stem)
    assert table.fixed == expected_cost.counted.multiply_adds(network)


def test_by_size():
    darts = macros.get("darts")
    found = [macros.suited_stem(darts, (side, 200, 3)) for side in (32, 63, 64, 127, 128, 224)]
    assert found == ["cifar"] * 2 + ["space_to_depth"] * 2 + ["imagenet"] * 2
    own = Staged("own", keras.layers.Dense, keras.layers.Dense)
    assert macros.suited_stem(own, (224, 224, 3)) == "cifar"
    with pytest.raises(UserError, match="unknown stem 'imagenet'; expected one of cifar, the"):
        macros.with_stem(own, "imagenet")


def test_a_network_of_ones_own_with_such_stems():
    own = Staged("own", keras.layers.Dense, keras.layers.Dense, stems=IMAGE_STEMS)
    macro = macros.with_stem(own, "space_to_depth")
    assert (macro.name, macro.stages, macro.search_size) == ("own_space_to_depth", 3, (16, 3))
    assert macro.parts(4, 3)[0] == own.parts(4, 3)[0]
