import dataclasses

import numpy as np
import pytest

from darts_tf import datasets, spaces
from darts_tf.budget import work
from darts_tf.budget.constraints import CountedCosts
from darts_tf.budget.image_candidates import ImageCandidates
from darts_tf.budget.size import Size


@pytest.fixture
def make(one_stage_space, tmp_path):
    labels = np.arange(80, dtype=np.int32) % 2
    images = np.random.default_rng(0).integers(0, 120, (80, 8, 8, 1))
    images = images + 120 * labels[:, None, None, None]
    data = dataclasses.replace(datasets.from_arrays(images.astype(np.uint8), labels), flip=False)

    def make(folder, space=one_stage_space, cells=1):
        proxy = Size(channels=2, cells=cells, pixels=4, batch_size=8, steps=2)
        options = {"proxy": proxy, "folder": tmp_path / folder, "seed": 3}
        candidates = ImageCandidates(space, data, (4, cells), **options)
        source = candidates.source(1, "drnas")
        assert source.folder == tmp_path / folder / "supernet_1"
        return dataclasses.replace(source, epochs=3, batch_size=8)

    return make


def test_work_is_that_of_the_steps_of_both_levels(make, one_edge_space):
    space, source = spaces.get(one_edge_space), make("work", one_edge_space, cells=3)
    # Small networks of two channels; some supernets want a multiple of four.
    assert source.channels == 4
    counted = CountedCosts(space, (4, 4, 1), 2, 4, 3).of_all_operations()["multiply_adds"]
    # Of 80 images 16 are of the test and 12 rank; halves of 26 are three batches of 8 each.
    steps = 2 * (len(source.data.labels) // 2 // 8)
    assert steps == 6
    expected = work.training(counted, 3 * len(space.operations), steps, 8)
    assert source.work() == pytest.approx(expected)


@pytest.mark.slow
def test_stopped_between_epochs_it_finds_the_same(make, one_stage_space, eagerly):
    told = []

    def tell(record):
        told.append(record)
        return True

    whole = make("whole").run(0, True, tell)
    assert [record["epoch"] for record in told] == [1, 2, 3]
    assert all(record["supernet"] == "drnas" for record in told)
    assert 0 <= told[-1]["supernet_accuracy"] <= 1 and told[-1]["entropy"] > 0
    assert {origin for _, origin in whole} == {"supernet drnas"}
    assert all(genotype.space == spaces.get(one_stage_space).name for genotype, _ in whole)

    source, again = make("parts"), []

    def stop(record):
        again.append(record)
        return False

    early = source.run(0, True, stop)
    assert again == told[:1] and early

    class Killed(Exception):
        pass

    def kill(record):
        again.append(record)
        raise Killed

    with pytest.raises(Killed):
        source.run(1, True, kill)
    # The killed epoch was not kept, and is told again.
    assert source.run(2, True, tell) == whole
    assert again + told[3:] == [*told[:2], *told[1:3]]
    # Where there is no time for another epoch, it is the newest checkpoint that counts.
    assert source.run(3, False, kill) == whole
    # Another one is done only if it was told and not kept.
    source = make("late")
    assert source.run(0, True, stop) == early
    assert source.run(1, False, kill) == early
    with pytest.raises(Killed):
        source.run(2, False, kill)
