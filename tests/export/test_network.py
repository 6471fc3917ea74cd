"""A network of any task, exported and asked again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf import export
from darts_tf.common.errors import UserError
from darts_tf.export.runtimes import LiteRTModel, OnnxModel
from darts_tf.tasks import Task


class Doubling(Task):
    """Outputs are twice what they are taken for."""

    def losses(self, targets, outputs):
        return (outputs - targets) ** 2

    def answers(self, outputs):
        return {"doubled": 2 * outputs}


class Sums(Doubling):
    """The same with a state."""

    def initial_state(self, model, batch_size):
        return {"sum": tf.ones((batch_size, 1))}


@keras.saving.register_keras_serializable("tests")
class Running(keras.Model):
    """The sums of all inputs so far times a weight."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones")
        self.built = True

    def call(self, inputs, state=None, training=False):
        sums = state["sum"] + tf.cumsum(inputs, axis=1)
        return self.scale * sums, {"sum": sums[:, -1:]}


@pytest.fixture
def dense():
    inputs = keras.Input((3,), name="rows")
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


def test_answers_of_the_task(dense, tmp_path):
    made = export.export_network(dense, tmp_path / "model", task=Doubling())
    assert made.directory == tmp_path / "model" / "1" and made.max_difference < 1e-6
    loaded = tf.saved_model.load(str(made.directory))
    rows = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    answers = loaded.signatures["serving_default"](rows=tf.constant(rows))
    np.testing.assert_allclose(answers["doubled"], 2 * dense(rows), rtol=1e-6)
    assert list(loaded.signatures) == ["serving_default"] and made.size_bytes > 1000


def test_images_by_default(dense, tmp_path):
    made = export.export_network(dense, tmp_path)
    (answers,) = (tf.saved_model.load(str(made.directory)).signatures.values(),)
    assert set(list(answers)[0].structured_outputs) == {"probabilities", "class_ids"}


def test_a_state_goes_in_and_out(tmp_path):
    network = Running()
    network.scale.assign(3.0)
    signature = tf.TensorSpec([None, None], tf.float32, name="steps")
    made = export.export_network(network, tmp_path, task=Sums(), signature=signature)
    functions = tf.saved_model.load(str(made.directory)).signatures
    first = functions["serving_default"](steps=tf.constant([[1.0, 2.0]]))
    np.testing.assert_array_equal(first["doubled"], [[12, 24]])
    assert "state_0" not in first
    steps, state = tf.constant([[1.0, 2.0, 3.0]]), tf.constant([[10.0]])
    second = functions["serving_state"](steps=steps, state_0=state)
    np.testing.assert_array_equal(second["doubled"], [[66, 78, 96]])
    np.testing.assert_array_equal(second["state_0"], [[16]])


def test_a_difference_is_no_export(dense, tmp_path):
    class Unlike(Doubling):
        calls = 0

        def answers(self, outputs):
            self.calls += 1
            return {"outputs": outputs + 0.5 * self.calls}

    with pytest.raises(UserError, match=r"export's outputs differ .* by 0\.\d"):
        export.export_network(dense, tmp_path / "model", task=Unlike())
    assert not (tmp_path / "model").exists()


def test_not_finite(dense, tmp_path):
    dense.weights[0].assign(np.full((3, 2), np.nan))
    with pytest.raises(UserError, match="model's doubled are not finite"):
        export.export_network(dense, tmp_path, task=Doubling())


def test_inputs_must_be_known(tmp_path):
    with pytest.raises(UserError, match="inputs of the model are not known; give signature"):
        export.export_network(Running(), tmp_path, task=Sums())


def test_it_is_not_overwritten(dense, tmp_path):
    export.export_network(dense, tmp_path, task=Doubling())
    with pytest.raises(UserError, match="exists already"):
        export.export_network(dense, tmp_path, task=Doubling())
    export.export_network(dense, tmp_path, task=Doubling(), overwrite=True)


class TestOtherFormats:
    SIGNATURE = tf.TensorSpec([None, None], tf.float32, name="steps")

    class FromZero(Sums):
        def initial_state(self, model, batch_size):
            return {"sum": tf.zeros((batch_size, 1))}

    def test_a_state_goes_in_and_out(self, tmp_path):
        network = Running()
        network.scale.assign(3.0)
        made = export.export_network(
            network,
            tmp_path,
            task=self.FromZero(),
            signature=self.SIGNATURE,
            formats=["onnx", "litert"],
        )
        onnx = OnnxModel(made.directory / "model.onnx")
        state = np.float32([[10]])
        found = onnx(steps=np.float32([[1, 2, 3]]), state_0=state)
        np.testing.assert_array_equal(found["doubled"], [[66, 78, 96]])
        np.testing.assert_array_equal(found["next_state_0"], [[16]])
        step = LiteRTModel(made.directory / "model.tflite")
        found = step(steps=np.float32([[1]]), state_0=state)
        np.testing.assert_array_equal(found["doubled"], [[66]])
        np.testing.assert_array_equal(found["state_0"], [[11]])

    def test_a_first_state_that_is_not_zeros(self, tmp_path):
        with pytest.raises(UserError, match="first state is not zeros"):
            export.export_network(
                Running(), tmp_path, task=Sums(), signature=self.SIGNATURE, formats=["onnx"]
            )
        assert not list(tmp_path.iterdir())

    def test_a_length_that_litert_would_have_to_know(self, tmp_path):
        inputs = keras.Input((None, 2), name="rows")
        network = keras.Model(inputs, keras.layers.LSTM(2)(inputs))
        with pytest.raises(UserError, match=r"rows has the shape \(None, None, 2\), and LiteRT"):
            export.export_network(network, tmp_path, task=Doubling(), formats=["litert"])

    def test_layers_over_a_known_length(self, tmp_path):
        inputs = keras.Input((3, 2), name="rows")
        network = keras.Model(inputs, keras.layers.LSTM(2)(inputs))
        made = export.export_network(network, tmp_path, task=Doubling(), formats=["onnx", "litert"])
        rows = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
        for run in (
            OnnxModel(made.directory / "model.onnx"),
            LiteRTModel(made.directory / "model.tflite"),
        ):
            np.testing.assert_allclose(run(rows=rows)["doubled"], 2 * network(rows), atol=1e-6)
