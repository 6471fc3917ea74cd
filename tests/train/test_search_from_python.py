"""A search by `train.search` and the same one from Python find the same cell."""

import dataclasses
import json

import keras
import pytest

from darts_tf import ArchitectureSearch, datasets, genotypes, methods
from tests.train.programs import start_all

EPOCHS, BATCH, SEED = 1, 10, 0
FLAGS = [
    *("--dataset=digits", "--train_examples=40", f"--batch_size={BATCH}", f"--epochs={EPOCHS}"),
    *("--space=nas_bench_201", "--channels=2", "--cells=3", f"--seed={SEED}"),
]
# Stages of 3, 6 and 9 cells, which the macro network of the space can have.
METHODS = {"p-darts": ["--stage_cells=3,6,9"], "darts-pt": ["--fine_tune_epochs=1"]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    cases = {
        name: [*FLAGS, *more, f"--method={name}", f"--output_dir={folder / name}"]
        for name, more in METHODS.items()
    }
    for name, done in start_all("train.search", cases).items():
        assert done.returncode == 0, (name, done)
    return folder


def streams():
    """The training data of `train.search`, and the validation images in their order."""
    data = datasets.load("digits", train_examples=40)
    parts = datasets.split(data.train_images, data.train_labels, 0.5, SEED)

    def batches(part, **options):
        return datasets.batches(
            *parts[part], BATCH, mean=data.mean, std=data.std, drop_remainder=True, **options
        )

    def stream(part):
        augmentation = datasets.Augmentation.suited_to(data)
        options = {"augmentation": augmentation, "shuffle": True, "seed": 2 * SEED + part}
        return lambda epoch: batches(part, epoch=epoch, **options)

    return data, stream(0), stream(1), batches(1)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_same_cell(name, runs):
    data, train, validation, fixed = streams()
    method = methods.get(name)
    if name == "p-darts":
        cells = (3, 6, 9)
        pairs = zip(method.stages, cells, strict=True)
        stages = tuple(dataclasses.replace(stage, cells=n) for stage, n in pairs)
        method = dataclasses.replace(method, stages=stages)
    keras.utils.set_random_seed(SEED)
    shape = data.image_shape, data.num_classes
    supernet = method.make_supernet("nas_bench_201", *shape, channels=2, cells=3, seed=SEED)
    search = ArchitectureSearch(supernet, method)
    search.fit(train, validation, EPOCHS, verbose=0)
    options = {"fine_tune_epochs": 1} if name == "darts-pt" else {}
    found = search.genotype(fixed, **options)
    assert found == genotypes.get(str(runs / name / "genotype.json"))
    result = json.loads((runs / name / "result.json").read_text())
    assert result["entropy"] == search.entropy()
    if name == "p-darts":
        kept = json.loads((runs / name / "stage_2" / "operations.json").read_text())
        assert kept == search.supernet.get_config()["edge_operations"]
