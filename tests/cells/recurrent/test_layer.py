import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import genotypes
from darts_tf.cells.recurrent.cell import RecurrentCell
from darts_tf.cells.recurrent.layer import RecurrentLayer
from darts_tf.cells.recurrent.mixed_cell import RecurrentMixedCell
from darts_tf.common.errors import UserError
from darts_tf.spaces import DARTS_RNN

V2 = genotypes.get("RNN_DARTS_V2")["recurrent"]
SMALL = dataclasses.replace(DARTS_RNN, name="small_rnn", nodes=2, edges=None)
RANDOM = np.random.default_rng(0)
LENGTHS = np.array([5, 2, 0, 3])
MASK = np.arange(5) < LENGTHS[:, None]
ROWS = tf.nn.softmax(tf.constant(RANDOM.normal(size=(3, 5))))


def sequences(batch=4, time=5, features=3, dtype="float32"):
    return RANDOM.normal(size=(batch, time, features)).astype(dtype)


def with_large_weights(layer, features=3):
    layer.build((None, None, features))
    for variable in layer.trainable_variables:
        variable.assign(RANDOM.normal(size=variable.shape))
    return layer


def discrete(**options):
    return with_large_weights(RecurrentLayer(RecurrentCell(V2, 4), **options))


def relaxed(**options):
    cell = RecurrentMixedCell(SMALL, 4, dtype="float64")
    return with_large_weights(
        RecurrentLayer(cell, return_sequences=True, dtype="float64", **options)
    )


class TestAsKerasOwnLayer:
    """Without dropout a discrete cell does in both layers the same."""

    @pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"return_sequences": True},
            {"return_sequences": True, "return_state": True, "go_backwards": True},
            {"return_sequences": True, "zero_output_for_mask": True},
            {"return_state": True, "unroll": True},
        ],
        ids=lambda options: ",".join(options) or "last output",
    )
    def test_equal(self, options, mask):
        mine = discrete(**options)
        its = keras.layers.RNN(mine.cell, **options)
        x, start = sequences(), RANDOM.normal(size=(4, 4)).astype("float32")
        for run in (lambda layer: layer(x, [start], mask=mask), lambda layer: layer(x, mask=mask)):
            found, expected = tf.nest.flatten(run(mine)), tf.nest.flatten(run(its))
            assert len(found) == len(expected)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)

    def test_shapes(self):
        layer = discrete(return_sequences=True, return_state=True)
        shape = (4, None, 3)
        assert layer.compute_output_shape(shape) == ((4, None, 4), (4, 4))
        outputs, state = layer(keras.Input(batch_shape=shape))
        assert outputs.shape == (4, None, 4) and state.shape == (4, 4)


@pytest.mark.parametrize("how", ["initial_state", "stateful"])
def test_two_batches_of_35_steps_are_one_of_70(how):
    x = sequences(time=70)
    layer = discrete(return_sequences=True, return_state=True)
    whole, last = layer(x)
    if how == "stateful":
        stateful = RecurrentLayer(layer.cell, return_sequences=True, stateful=True)
        stateful.build((4, 35, 3))
        parts = [stateful(x[:, :35]), stateful(x[:, 35:])]
        np.testing.assert_allclose(stateful.states[0], last, atol=1e-5)
        stateful.reset_state()
        np.testing.assert_allclose(stateful(x[:, :35]), whole[:, :35], atol=1e-5)
    else:
        first, state = layer(x[:, :35])
        second, state = layer(x[:, 35:], initial_state=state)
        parts = [first, second]
        np.testing.assert_allclose(state, last, atol=1e-5)
    np.testing.assert_allclose(tf.concat(parts, 1), whole, atol=1e-5)


class TestDropout:
    def test_masks_are_the_same_at_all_steps_and_differ_between_sequences(self, monkeypatch):
        layer = discrete(dropout=0.5, recurrent_dropout=0.25, seed=1)
        seen = []
        cell_step = layer.cell.step

        def step(projected, state, constants, *options):
            seen.append((projected.numpy(), constants.state_mask.numpy()))
            return cell_step(projected, state, constants, *options)

        monkeypatch.setattr(layer.cell, "step", step)
        # The same input at all steps of all sequences.
        layer(np.ones((20, 5, 3), "float32"), training=True)
        projected, masks = (np.stack(values) for values in zip(*seen, strict=True))
        assert len(seen) == 5
        for values in (projected, masks):
            np.testing.assert_allclose(values, np.repeat(values[:1], 5, axis=0), atol=1e-6)
            # Of 8 and 16 masks that there are.
            assert len(np.unique(values[0].round(4), axis=0)) > 4
        np.testing.assert_allclose(np.unique(masks), [0, 4 / 3], rtol=1e-6)

    def test_of_the_rates_and_unbiased(self):
        layer = discrete(dropout=0.75, recurrent_dropout=0.25, seed=1)
        masks = layer._masks(np.ones((5000, 1, 3)), training=True)
        for mask, rate in zip(masks, (0.75, 0.25), strict=True):
            np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - rate)], rtol=1e-6)
            # Four standard deviations of a mean of 15,000 draws.
            assert abs(np.mean(mask) - 1) < 4 * np.sqrt(rate / (1 - rate) / 15_000)

    def test_by_its_masks(self):
        """The outputs are those of the cell with the masks of the one draw."""
        layer = discrete(dropout=0.5, recurrent_dropout=0.5, seed=1)
        x = sequences()
        state = layer.seed_generator.state.numpy()
        outputs = layer(x, training=True)
        assert layer.seed_generator.state.numpy().tolist() == [state[0], state[1] + 1]
        layer.seed_generator.state.assign(state)
        constants = layer.cell.constants(None, *layer._masks(x, training=True))
        h = tf.zeros([4, 4])
        for time in range(5):
            h = layer.cell.step(layer.cell.project(x[:, time], constants), h, constants)
        np.testing.assert_allclose(outputs, h, atol=1e-5)

    def test_none_in_inference_and_a_new_one_every_time_in_training(self):
        layer, x = discrete(dropout=0.5, recurrent_dropout=0.5, seed=1), sequences()
        np.testing.assert_array_equal(layer(x), layer(x))
        np.testing.assert_allclose(layer(x), keras.layers.RNN(layer.cell)(x), atol=1e-5)
        assert np.abs(layer(x, training=True) - layer(x, training=True)).max() > 0.01

    def test_refusals(self):
        with pytest.raises(UserError, match="recurrent_dropout must be .* less than 1, got 1.0"):
            RecurrentLayer(RecurrentCell(V2, 4), recurrent_dropout=1.0)
        with pytest.raises(UserError, match="for other cells there is keras.layers.RNN"):
            RecurrentLayer(keras.layers.LSTMCell(4))


class TestRelaxed:
    def test_loop_graph_and_unrolled_are_the_steps_one_by_one(self):
        layer, unrolled = relaxed(), relaxed(unroll=True)
        unrolled.set_weights(layer.get_weights())
        x = sequences(dtype="float64")
        constants, h, outputs = layer.cell.constants(ROWS), tf.zeros([4, 4], tf.float64), []
        for time in range(5):
            projected = layer.cell.project(x[:, time], constants)
            h = layer.cell.step(projected, h, constants)
            outputs.append(h)
        expected = tf.stack(outputs, axis=1)
        np.testing.assert_allclose(layer(x, training=True, mixture=ROWS), expected, atol=1e-12)
        for one in (layer, unrolled):
            graph = tf.function(one)
            np.testing.assert_allclose(graph(x, training=True, mixture=ROWS), expected, atol=1e-12)

    def test_sequences_of_any_length_in_one_graph(self):
        layer = relaxed()
        graph = tf.function(lambda x: layer(x, mixture=ROWS))
        graph = graph.get_concrete_function(tf.TensorSpec([None, None, 3], tf.float64))
        for time in (1, 4):
            x = tf.constant(sequences(time=time, dtype="float64"))
            np.testing.assert_allclose(graph(x), layer(x, mixture=ROWS), atol=1e-12)

    def test_a_sequence_has_no_influence_behind_its_end(self):
        """Nor on what the others are normalised by."""
        layer, x = relaxed(), sequences(dtype="float64")
        outputs = layer(x, mask=MASK, training=True, mixture=ROWS).numpy()
        x[~MASK] = 7.0
        again = layer(x, mask=MASK, training=True, mixture=ROWS).numpy()
        np.testing.assert_allclose(again[MASK], outputs[MASK], atol=1e-12)

    def test_inference_is_training_without_dropout(self):
        layer, x = relaxed(dropout=0.5, recurrent_dropout=0.5, seed=1), sequences(dtype="float64")
        np.testing.assert_array_equal(
            layer(x, mixture=ROWS), layer(x, mixture=ROWS, training=True, masks=(None, None))
        )

    def test_a_function_of_given_weights_and_rows(self):
        """A pass with given values is that of the same values assigned, and writes nothing."""
        layer, x = relaxed(dropout=0.5, seed=1), tf.constant(sequences(dtype="float64"))
        other = relaxed(dropout=0.5, seed=1)
        given = [variable.value for variable in other.trainable_variables]

        @tf.function
        def outputs(given, rows):
            pairs = zip(layer.trainable_variables, given, strict=True)
            with keras.StatelessScope(state_mapping=list(pairs)) as scope:
                values = layer(x, training=True, mixture=rows)
            return values, [scope.get_current_value(v) for v in layer.non_trainable_variables]

        before = layer.get_weights()
        values, moved = outputs(given, ROWS)
        for now, then in zip(layer.get_weights(), before, strict=True):
            np.testing.assert_array_equal(now, then)
        np.testing.assert_allclose(values, other(x, training=True, mixture=ROWS), atol=1e-12)
        for value, expected in zip(moved, other.non_trainable_variables, strict=True):
            np.testing.assert_allclose(value, expected, atol=1e-12)

    def test_mixed_precision(self):
        cell = RecurrentMixedCell(SMALL, 4, dtype="mixed_bfloat16")
        layer = with_large_weights(RecurrentLayer(cell, dtype="mixed_bfloat16"))
        plain = RecurrentLayer(RecurrentMixedCell(SMALL, 4))
        plain.build((None, None, 3))
        plain.set_weights(layer.get_weights())
        x, rows = sequences(batch=32), tf.cast(ROWS, tf.float32)
        outputs = layer(x, training=True, mixture=rows)
        assert outputs.dtype == tf.bfloat16
        assert {variable.dtype for variable in cell.variables} == {"float32"}
        expected = plain(x, training=True, mixture=rows)
        assert np.abs(tf.cast(outputs, tf.float32) - expected).mean() < 0.05


@pytest.mark.parametrize("mixed", [None, "mixture", "rows"])
def test_a_saved_model(tmp_path, mixed):
    """`rows` is the former name of the argument."""
    cell = RecurrentMixedCell("darts_rnn", 4) if mixed else RecurrentCell(V2, 4)
    layer = RecurrentLayer(cell, dropout=0.2, recurrent_dropout=0.1, return_sequences=True, seed=3)
    inputs = [keras.Input((None, 3))] + ([keras.Input(batch_shape=(36, 5))] if mixed else [])
    outputs = layer(inputs[0], **{mixed: inputs[1]}) if mixed else layer(inputs[0])
    model = keras.Model(inputs, outputs)
    x = [tf.constant(sequences())] + ([tf.fill([36, 5], 0.2)] if mixed else [])
    for variable in model.variables:
        if variable.dtype == "float32":
            variable.assign(RANDOM.random(size=variable.shape))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))
    again = loaded.get_layer(layer.name)
    assert (again.dropout, again.recurrent_dropout, again.seed) == (0.2, 0.1, 3)
    np.testing.assert_array_equal(loaded(x, training=True), model(x, training=True))
