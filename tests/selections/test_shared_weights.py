import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.common.errors import UserError
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.selections import SharedWeights
from darts_tf.selections.evaluation import SupernetEvaluation
from darts_tf.selections.shared_weights import one_hot
from darts_tf.supernets.supernet import Supernet


@pytest.fixture(scope="module")
def supernet(tiny_space):
    keras.utils.set_random_seed(0)
    return Supernet(
        tiny_space, (6, 6, 1), 3, channels=2, cells=3, relaxation="uniform", batched=False
    )


def batches(seed=0):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(40, 6, 6, 1)).astype("float32")
    labels = rng.integers(0, 3, 40)
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(20)


def accuracy(supernet, genotype, data):
    """From the definition: the supernet with the architecture's weights, batch by batch."""
    weights = {k: tf.constant(v) for k, v in one_hot(supernet.space, genotype).items()}
    before = [v.numpy() for v in supernet.variables]
    forward = tf.function(lambda images: supernet(images, training=True, weights=weights))
    hits = [forward(images).numpy().argmax(axis=1) == labels.numpy() for images, labels in data]
    for variable, value in zip(supernet.variables, before, strict=True):
        variable.assign(value)
    return np.concatenate(hits).mean()


@pytest.mark.slow
def test_it_finds_the_best_of_the_samples_and_writes_nothing(supernet, eagerly):
    data = batches()
    before = [v.numpy() for v in supernet.variables]
    found = SharedWeights(samples=4, batches=1, finalists=4)(supernet, data)
    for variable, value in zip(supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    samples = [genotypes.sample(supernet.space, i) for i in range(4)]
    scores = {genotype: accuracy(supernet, genotype, data) for genotype in samples}
    assert scores[found] == max(scores.values()) > min(scores.values())


@pytest.mark.slow
def test_own_statistics_of_an_architecture(supernet, eagerly):
    data = list(batches().unbatch().batch(40))
    mixture = one_hot(supernet.space, genotypes.sample(supernet.space, 0))
    other = one_hot(supernet.space, genotypes.sample(supernet.space, 1))
    before = [v.numpy() for v in supernet.variables]
    inputs = [images for images, _ in data]
    of_batch, own, as_it_is = (
        SupernetEvaluation(supernet, data, statistics=given) for given in (None, inputs, [])
    )
    first = own.loss(mixture)
    assert own.loss(other) != first
    # Measured on the one batch they are its own, but for the variance's n / (n - 1).
    assert own.loss(mixture) == first
    expected = of_batch.loss(mixture)
    assert abs(first - expected) < 0.2 * abs(as_it_is.loss(mixture) - expected)
    for variable, value in zip(supernet.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_it_needs_data(supernet):
    search = ArchitectureSearch(supernet, "random-ws")
    with pytest.raises(UserError, match="'random-ws' evaluates architectures; give genotype"):
        search.genotype()
    with pytest.raises(UserError, match="the validation data hold no batch"):
        search.genotype(batches().take(0))


@pytest.mark.slow
def test_a_search_trains_the_weights_and_has_no_alphas(supernet, eagerly):
    search = ArchitectureSearch(supernet, "random-ws")
    assert supernet.architecture_variables == []
    before = [v.numpy() for v in supernet.weight_variables]
    search.fit(batches(1), batches(2), epochs=2, verbose=0)
    moved = [(v.numpy() != b).any() for v, b in zip(supernet.weight_variables, before, strict=True)]
    assert np.mean(moved) > 0.9
    genotype = search.genotype(batches(2), SharedWeights(samples=2, batches=1, finalists=1))
    assert genotype.space == supernet.space.name
