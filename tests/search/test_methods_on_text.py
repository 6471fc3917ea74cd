"""Every method on a recurrent cell: a step, a cell and its network, or why it has no meaning."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import datasets, gradients, methods, selections
from darts_tf.common import seeds
from darts_tf.common.errors import UserError
from darts_tf.gradients.sampling import draw
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.selections import SharedWeights
from tests import texts

# To trace a recurrence takes longer than a step of it.
pytestmark = pytest.mark.usefixtures("eagerly")

# A step takes as long as its window: what is asked here does not need longer ones, or more.
TRAIN, VALIDATION = (
    datasets.text_windows(texts.tokens(seed=part), texts.BATCH, steps=2).take(2 - part)
    for part in (0, 1)
)

# What is said of those that have no meaning.
REFUSED = {
    "aging-evolution": "has no supernet",
    "random": "has no supernet",
    "p-darts": "the method 'p-darts' moves skip_dropout, which the recurrent cells .* have not",
    "pc-darts": "needs partial cells, which nobody has made for the recurrent cells",
    "te-nas": "trains no supernet",
    "darts-plus": "no operation has weights of its own",
    "darts-minus": "auxiliary_skip",
    "growing": "space 'two_nodes_rnn' do not grow by nodes",
    "growing-copies": "needs the space two_input_rnn",
    "growing-splits": "needs the space two_input_rnn",
    "tetlo": "the task 'language_modeling' carries a state from batch to batch",
    "tetlo-sdarts": "the task 'language_modeling' carries a state from batch to batch",
    "tetlo-pc": "needs partial cells, which nobody has made for the recurrent cells",
    "tetlo-darts-minus": "auxiliary_skip",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(methods.METHODS) - set(REFUSED)))
def test_a_step_and_a_cell(name):
    method = texts.method(name)
    search = ArchitectureSearch(texts.supernet(method), method, task="language_modeling")
    before = [variable.numpy() for variable in search.supernet.trainable_variables]
    history = search.fit(TRAIN, VALIDATION, epochs=1, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert 1 < history["val_perplexity"][0] < 100
    pairs = zip(before, search.supernet.trainable_variables, strict=True)
    assert all(np.abs(new - old).max() > 0 for old, new in pairs)
    for alpha in search.supernet.architecture_variables:
        assert np.abs(alpha).max() > 1e-4
    data = VALIDATION if selections.needs_data(method.selection) else None
    selection = SharedWeights(samples=2, batches=1, finalists=1) if name == "random-ws" else None
    genotype = search.genotype(data, selection, fine_tune_epochs=min(1, method.fine_tune_epochs))
    (cell,) = genotype.cells.values()
    assert len(cell.nodes) == 2
    assert {edge.operation for edge in cell.edges} <= {"tanh", "relu", "sigmoid", "identity"}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_has_no_meaning_is_refused(name):
    with pytest.raises(UserError, match=REFUSED[name]):
        method = texts.method(name)
        search = ArchitectureSearch(texts.supernet(method), method, task="language_modeling")
        # Further levels look at the task when they are built.
        search.fit(texts.train, VALIDATION, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "gradient",
    [gradients.Neumann(terms=2), gradients.ConjugateGradient(iterations=2)],
    ids=["neumann", "conjugate_gradient"],
)
def test_each_hypergradient(gradient):
    method = texts.method("darts-v1", gradient=gradient)
    search = ArchitectureSearch(texts.supernet(method), method, task="language_modeling")
    (alpha,) = search.supernet.architecture_variables
    before = alpha.numpy()
    search.fit(TRAIN, VALIDATION, verbose=0)
    # Adam's first steps are the learning rate, whatever the gradient.
    moved = np.abs(alpha - before).max()
    assert 0.01 < moved < 0.07


@pytest.mark.parametrize("name", ["perturbation", "operation_strength", "removal", "threshold"])
def test_each_selection(name):
    method = texts.method("darts-v1", selection=name, fine_tune_epochs=0)
    search = ArchitectureSearch(texts.supernet(method), method, task="language_modeling")
    search.fit(TRAIN.take(1), VALIDATION, verbose=0)
    data = VALIDATION if selections.needs_data(method.selection) else None
    (cell,) = search.genotype(data).cells.values()
    # A cell that grows begins with one node, and one epoch is too short to grow.
    assert len(cell.nodes) == (1 if name == "growing" else 2)


def test_the_state_behind_sampled_architectures_is_that_of_one():
    method = texts.method("sf", texts.PLAIN, weight_learning_rate=(1e-9, 1e-9))
    supernet = texts.supernet(method, texts.PLAIN)
    search = ArchitectureSearch(supernet, method, task="language_modeling")
    logits = supernet.architecture.logits()
    seed = seeds.of_part(seeds.of_level(0, tf.constant(0), 0), 0)
    (drawn,) = draw(tf.nn.log_softmax(logits), 1, seed)
    inputs, *_ = next(iter(texts.validation()))
    _, (expected,) = supernet(inputs, training=True, weights={"recurrent": drawn})
    search.fit(lambda epoch: texts.train(epoch).take(1), texts.validation(), verbose=0)
    _, state = search.checkpointed()["states"]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(state, expected, rtol=1e-4, atol=1e-5)


def test_a_method_by_its_name_has_the_settings_of_texts():
    supernet = texts.supernet(texts.method("darts-v2"))
    search = ArchitectureSearch(supernet, "darts-v2", task="language_modeling")
    search.fit(lambda epoch: texts.train(epoch).take(1), texts.validation(), verbose=0)
    weights, alphas = search.weight_optimizer, search.architecture_optimizer
    assert float(weights.learning_rate) == 20 and weights.momentum == 0
    assert weights.l2 == 5e-7 and search.method.clip_norm == 0.25
    assert (alphas.beta_1, alphas.beta_2, alphas.l2) == (0.9, 0.999, 1e-3)


def test_a_task_without_a_state_is_refused():
    with pytest.raises(UserError, match="go on from a state, .* task='language_modeling'"):
        ArchitectureSearch(texts.supernet(texts.method("darts-v1")), "darts-v1")


def test_an_optimizer_whose_rate_no_batch_can_change():
    supernet = texts.supernet(texts.method("darts-v1"))
    search = ArchitectureSearch(
        supernet,
        "darts-v1",
        task="language_modeling",
        weight_optimizer=keras.optimizers.SGD(0.1),
    )
    with pytest.raises(UserError, match="multiplies the learning rate .* got SGD"):
        search.fit(texts.train, texts.validation, verbose=0)
