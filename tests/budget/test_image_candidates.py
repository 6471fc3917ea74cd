import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import datasets, spaces
from darts_tf.budget import work
from darts_tf.budget.image_candidates import ImageCandidates, shrunk
from darts_tf.budget.size import Size
from darts_tf.common import array_files
from darts_tf.common.errors import UserError
from darts_tf.costs import counted
from darts_tf.genotypes import CellGenotype, Edge, Genotype
from darts_tf.networks import build_network

# A candidate is trained for a few steps, which take less time than to trace one.
pytestmark = pytest.mark.usefixtures("eager_file")

PROXY = Size(channels=2, cells=2, pixels=4, batch_size=8, steps=2)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = np.arange(40, dtype=np.int32) % 2
    images = rng.integers(0, 120, (40, 8, 8, 1)) + 120 * labels[:, None, None, None]
    found = datasets.from_arrays(images.astype(np.uint8), labels)
    return dataclasses.replace(found, flip=False)


@pytest.fixture(scope="module")
def genotype(one_stage_space):
    space = spaces.get(one_stage_space)
    edge = Edge("nor_conv_1x1", 0)
    return Genotype(space, {"normal": CellGenotype(((edge,),), space.concat)})


@pytest.fixture(scope="module")
def make(data, one_stage_space):
    def make(**options):
        return ImageCandidates(one_stage_space, data, (4, 1), proxy=PROXY, **options)

    return make


@pytest.fixture(scope="module")
def rung_by_rung(make, genotype, eager_file):
    found = make()
    return [found.train(3, genotype, rung) for rung in range(2)]


def test_work_is_of_the_network_that_is_trained(make, genotype, data):
    found = make()
    network = build_network(genotype, (4, 4, 1), 2, 2, 2)
    images = counted.multiply_adds(network)
    # Batches of 8; the second rung goes on from 2 to 6 steps.
    for rung, steps in ((0, 2), (1, 4)):
        expected = work.NETWORK + work.training(images, 2, steps, 8)
        assert found.work(genotype, rung) == pytest.approx(expected)


def test_a_stem_is_that_of_the_wanted_network_alone(make, genotype):
    plain, other = make(), make(stem="space_to_depth")
    wanted = build_network(genotype, (8, 8, 1), 2, 4, 1, stem="space_to_depth")
    assert other.costs(genotype) == {
        "parameters": counted.parameters(wanted),
        "multiply_adds": counted.multiply_adds(wanted),
    }
    assert other.costs(genotype) != plain.costs(genotype)
    assert other.train(0, genotype, 0) == plain.train(0, genotype, 0)
    assert other.work(genotype, 0) == plain.work(genotype, 0)


def test_a_class_of_which_nothing_is_left_to_rank_by(data, one_stage_space):
    labels = np.array(data.train_labels)
    labels[0] = 2
    rare = dataclasses.replace(data, train_labels=labels, class_names=("a", "b", "c"))
    with pytest.raises(UserError, match="ranks candidates: .*class 2, which has 1; give at least"):
        ImageCandidates(one_stage_space, rare, (4, 1), proxy=PROXY)


def test_cells_that_no_small_network_has_are_refused_at_once(data):
    with pytest.raises(UserError, match="choose a multiple of 3"):
        ImageCandidates("nas_bench_201", data, (4, 3), proxy=dataclasses.replace(PROXY, cells=5))


class TestTraining:
    def test_steps(self, rung_by_rung):
        assert [evidence["steps"] for evidence in rung_by_rung] == [2, 6]
        for found in rung_by_rung:
            # At the temperature that suits best.
            assert -found["loss"] <= found["score"] < 0

    def test_evidence_is_of_the_images_that_rank_and_counts_as_their_classes_do(
        self, make, genotype, monkeypatch
    ):
        asked = []
        monkeypatch.setattr(
            "darts_tf.budget.evidence.of_answers", lambda *given: asked.append(given) or {}
        )
        weights = np.array([1.0, 3.0])
        found = make(class_weights=weights)
        found.train(3, genotype, 0)
        ((logits, targets, counts),) = asked
        assert logits.shape == (len(found.examples(100)), 2)
        np.testing.assert_array_equal(targets, found._targets)
        np.testing.assert_array_equal(counts, weights[targets])

    def test_weights_that_are_lost_are_made_anew(self, make, genotype, rung_by_rung):
        assert make().train(3, genotype, 1) == rung_by_rung[1]

    def test_weights_are_kept_in_files(self, make, genotype, rung_by_rung, tmp_path):
        assert make(folder=tmp_path).train(3, genotype, 0) == rung_by_rung[0]
        found = make(folder=tmp_path)
        files = {path.name for path in tmp_path.iterdir()}
        assert files == {"candidate_3_rung_0.npz"}
        with np.load(tmp_path / "candidate_3_rung_0.npz") as file:
            assert all(np.isfinite(file[name]).all() for name in file.files)
        assert found.train(3, genotype, 1) == rung_by_rung[1]

    def test_a_damaged_file_is_made_anew(self, make, genotype, rung_by_rung, tmp_path):
        (tmp_path / "candidate_3_rung_0.npz").write_bytes(b"")
        assert make(folder=tmp_path).train(3, genotype, 1) == rung_by_rung[1]

    def test_weights_of_other_shapes_are_made_anew(self, make, genotype, rung_by_rung, tmp_path):
        array_files.write(tmp_path / "candidate_3_rung_0.npz", [np.zeros((3, 3), np.float32)])
        assert make(folder=tmp_path).train(3, genotype, 1) == rung_by_rung[1]


def test_costs_are_those_of_the_network_that_is_wanted(make, genotype):
    network = build_network(genotype, (8, 8, 1), 2, 4, 1)
    costs = make(measures_latency=True).costs(genotype)
    assert costs["parameters"] == counted.parameters(network)
    assert costs["multiply_adds"] == counted.multiply_adds(network)
    assert 0 < costs["latency_ms"] < 1000


class TestSize:
    def test_defaults(self):
        assert Size().of((16, 15), (32, 32, 3)) == Size(8, 15, 16)
        assert Size().of((4, 5), (8, 6, 1)) == Size(4, 5, 8)

    def test_what_is_given_stays(self):
        assert Size(4, 9, 32).of((16, 15), (32, 32, 3)) == Size(4, 9, 32)


def test_large_images_are_shrunk_few_at_a_time(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    whole = shrunk(images, 4)
    monkeypatch.setattr("darts_tf.budget.image_candidates._PIXELS_AT_ONCE", 130)
    sizes, resize = [], tf.image.resize

    def watched(given, *arguments):
        sizes.append(len(given))
        return resize(given, *arguments)

    monkeypatch.setattr("tensorflow.image.resize", watched)
    np.testing.assert_array_equal(shrunk(images, 4), whole)
    assert sizes == [2, 2, 1]


def test_shrunk():
    image = np.array([[0, 4, 8, 8], [4, 8, 8, 8]], np.uint8)[None, :, :, None]
    assert shrunk(image, 2)[0, :, :, 0].tolist() == [[4, 8]]
    assert shrunk(image, 4) is image
