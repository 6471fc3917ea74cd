"""A state that is carried through the streams of a search, on a supernet whose state is a sum."""

import contextlib
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.methods import METHODS
from darts_tf.search.architecture_search import ArchitectureSearch
from darts_tf.supernets.supernet import Supernet
from tests import streams
from tests.eagerness import run_eagerly
from tests.streams import Stream, sequences

train, validation = (functools.partial(sequences, part) for part in range(2))


@pytest.fixture
def supernet(one_stage_space):
    return streams.make(one_stage_space)


def still(supernet, **options):
    """A search that moves nothing, so that a state is a function of the stream alone."""
    optimizers = keras.optimizers.SGD(0.0), keras.optimizers.Adam(0.0)
    return ArchitectureSearch(
        supernet,
        weight_optimizer=optimizers[0],
        architecture_optimizer=optimizers[1],
        task=Stream(),
        **options,
    )


def after(supernet, batches):
    """The state after some batches in training mode, nothing of the supernet being changed."""
    state = None
    with keras.StatelessScope():
        for images, _ in batches:
            _, state = supernet(images, training=True, state=state)
    return state.numpy()


def states(search):
    return [keras.ops.convert_to_numpy(v) for v in search.checkpointed()["states"]]


def test_two_batches_are_one_of_twice_the_time(supernet, eagerly):
    search = ArchitectureSearch(supernet, task=Stream())
    halves, whole = (search.evaluate(sequences(0, 0, *cut)) for cut in ((4, 2), (2, 4)))
    assert halves == pytest.approx(whole, rel=1e-6) and set(whole) == {"loss", "error"}
    cut_off = search.evaluate(sequences(0, 0, 4, 2).skip(1))
    assert cut_off["loss"] != pytest.approx(whole["loss"], rel=1e-3)


def test_each_stream_has_its_state(supernet):
    search = still(supernet)
    search.fit(train, validation, 1, verbose=0)
    of_train, of_validation = states(search)
    np.testing.assert_allclose(of_train, after(supernet, train(0)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(of_validation, after(supernet, validation(0)), rtol=1e-4, atol=1e-6)


def test_a_state_starts_anew_with_every_pass(supernet, eagerly):
    search = still(supernet)
    # Two validation batches: the third step begins with the first of them again.
    search.fit(train, lambda epoch: validation(0).take(2), 2, verbose=0)
    of_train, of_validation = states(search)
    np.testing.assert_allclose(of_train, after(supernet, train(1)), rtol=1e-4, atol=1e-6)
    expected = after(supernet, validation(0).take(1))
    np.testing.assert_allclose(of_validation, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["darts-v2", "darts-v2-exact", "one-level", "gdas"])
def test_methods_carry_it(method, one_stage_space, eagerly):
    method = METHODS[method]
    options = {"relaxation": method.relaxation, **method.supernet_options()}
    supernet = streams.make(one_stage_space, **options)
    search = ArchitectureSearch(supernet, method, task=Stream())
    before = states_after_one_step(search)
    assert all(np.abs(state).min() > 0 for state in before)


def states_after_one_step(search):
    search.fit(lambda e: train(e).take(1), lambda e: validation(e).take(1), 1, verbose=0)
    return states(search)


def test_parts_of_a_batch_have_parts_of_the_state(supernet, eagerly):
    # Parts are normalised by themselves.
    for layer in supernet._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    searches = [still(supernet, accumulate_steps=parts) for parts in (1, 2)]
    for search in searches:
        search.fit(train, validation, 1, verbose=0)
    for one, other in zip(*map(states, searches), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


class Break(keras.callbacks.Callback):
    """Ends the search after the second step of the first epoch, asked to, or by an error."""

    def __init__(self, search, killed):
        super().__init__()
        self.search = search
        self.killed = killed

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1 and not self.killed:
            self.search.stop()

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2 and self.killed:
            raise ZeroDivisionError


def found(supernet, search):
    variables = [*supernet.variables, *search.checkpointed()["states"]]
    return [keras.ops.convert_to_numpy(v) for v in variables]


def make_second_order(space):
    supernet = streams.make(space)
    return supernet, ArchitectureSearch(supernet, "darts-v2", task=Stream())


@pytest.fixture(scope="module")
def whole(one_stage_space):
    """What a search has found that nothing has ended; without tracing."""
    supernet, search = make_second_order(one_stage_space)
    with run_eagerly():
        search.fit(train, validation, 2, verbose=0)
    return found(supernet, search)


@pytest.mark.parametrize("killed", [False, True])
def test_a_broken_off_search_goes_on_with_its_state(
    killed, whole, one_stage_space, eagerly, tmp_path
):
    supernet, search = make_second_order(one_stage_space)
    options = {"verbose": 0, "checkpoint_dir": tmp_path, "checkpoint_seconds": 0}
    with pytest.raises(ZeroDivisionError) if killed else contextlib.nullcontext():
        search.fit(train, validation, 2, callbacks=[Break(search, killed)], **options)
    assert killed or search.stopped_at == (0, 2)
    supernet, search = make_second_order(one_stage_space)
    search.fit(train, validation, 2, **options)
    for one, other in zip(whole, found(supernet, search), strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_have_no_states(one_stage_space, eagerly):
    supernet = Supernet(one_stage_space, (4, 4, 1), 2, channels=2, cells=1)
    search = ArchitectureSearch(supernet)
    images = tf.data.Dataset.from_tensors((np.zeros((2, 4, 4, 1), "float32"), [0, 1]))
    search.fit(images, images, 1, verbose=0)
    assert "states" not in search.checkpointed()


def test_the_eigenvalue_is_of_the_beginning_of_a_stream(supernet, eagerly):
    search = still(supernet)
    batch = next(iter(validation(0)))
    found = search.eigenvalue(batch)
    search.fit(train, validation, 1, verbose=0)
    assert np.isfinite(found) and search.eigenvalue() == pytest.approx(found, rel=1e-3)


class TestRefused:
    def test_batches_of_many_sizes(self, supernet):
        search = ArchitectureSearch(supernet, task=Stream())
        ragged = train(0).unbatch().batch(3)
        with pytest.raises(UserError, match="train batches must all have the same number of ex"):
            search.fit(ragged, validation, verbose=0)

    def test_validation_of_unknown_length(self, supernet):
        search = ArchitectureSearch(supernet, task=Stream())
        unknown = validation(0).filter(lambda *batch: True)
        with pytest.raises(UserError, match="number of validation batches is unknown"):
            search.fit(train, unknown, verbose=0)

    def test_other_batches_with_an_optimizer_of_ones_own(self, supernet, eagerly):
        search = still(supernet)
        search.fit(train, validation, 1, verbose=0)
        fewer = train(0).map(lambda *batch: tuple(x[:2] for x in batch))
        with pytest.raises(UserError, match="has states of batches of .*got batches of"):
            search.fit(fewer, fewer, 1, verbose=0)
