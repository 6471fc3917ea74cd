import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import TextData
from darts_tf.export import export_language_model
from darts_tf.export.runtimes import LiteRTModel, OnnxModel
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.text_generation import TextGenerator

NONE = np.zeros(2, np.int32)
WORDS = TextData("x", "words", ("<eos>", "a", "<unk>", "bé"), NONE, NONE, NONE)
LETTERS = TextData("x", "characters", ("\n", "a", "b", "é"), NONE, NONE, NONE)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    model = build_language_model("lstm", 4, 8, seed=1)
    for variable in model.trainable_variables:
        variable.assign(5 * variable)
    return model


def export(model, data, folder, **options):
    written = export_language_model(
        model, folder, vocabulary=data.vocabulary, unit=data.unit, **options
    )
    assert written.max_difference <= 1e-6
    return tf.saved_model.load(str(folder / "1"))


def generate(loaded, prompt, count=20, temperature=1.0, seed=3):
    answer = loaded.signatures["generate"](
        prompt=tf.constant(prompt),
        count=tf.constant(count),
        temperature=tf.constant(temperature),
        seed=tf.constant(seed),
    )
    return answer["text"].numpy().decode(), answer["tokens"].numpy()


@pytest.mark.parametrize(
    "data, prompts", [(WORDS, ["a", "a bé\n\n a", "new\n"]), (LETTERS, ["aé", "\n"])]
)
def test_it_writes_what_keras_writes(model, data, prompts, tmp_path):
    loaded, own = export(model, data, tmp_path), TextGenerator(model, data)
    for prompt in prompts:
        for temperature in (0.0, 0.7):
            text, tokens = generate(loaded, prompt, temperature=temperature)
            assert text == own(prompt, 20, temperature, 3) == data.decode(tokens)


def test_probabilities_and_states(model, tmp_path):
    loaded = export(model, LETTERS, tmp_path)
    tokens = tf.constant([[1, 2, 3, 0, 0, 2], [3, 3, 1, 0, 2, 2]])
    expected = tf.nn.softmax(model(tokens)[0])
    found = loaded.signatures["serving_default"](tokens=tokens)["probabilities"]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    states = {f"state_{i}": x for i, x in enumerate(model.initial_state(2))}
    for part in (slice(0, 2), slice(2, 6)):
        answer = loaded.signatures["serving_state"](tokens=tokens[:, part], **states)
        np.testing.assert_allclose(answer.pop("probabilities"), expected[:, part], atol=1e-6)
        states = answer


def test_what_the_vocabulary_has_not(model, tmp_path):
    loaded = export(model, LETTERS, tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError, match="vocabulary does not have"):
        generate(loaded, "ac")
    with pytest.raises(tf.errors.InvalidArgumentError, match="prompt is empty"):
        generate(loaded, "")


def test_bad_arguments(model, tmp_path):
    with pytest.raises(UserError, match="knows 4 words and the vocabulary has 2"):
        export_language_model(model, tmp_path, vocabulary=["a", "b"], unit="words")
    with pytest.raises(UserError, match="unit is 'letters'"):
        export_language_model(model, tmp_path, vocabulary=LETTERS.vocabulary, unit="letters")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cell", ["gru", "RNN_DARTS_V2"])
def test_onnx_and_litert_go_on_from_a_state(cell, tmp_path):
    model = build_language_model(cell, 4, 8, seed=1)
    for variable in model.trainable_variables:
        variable.assign(10 * variable)
    made = export_language_model(
        model,
        tmp_path,
        vocabulary=LETTERS.vocabulary,
        unit=LETTERS.unit,
        formats=["onnx", "litert"],
    )
    assert made.max_difference < 1e-5 and [file.format for file in made.files] == ["onnx", "litert"]
    names = {path.name for path in made.directory.iterdir()}
    assert names == {"README.txt", "assets", "model.onnx", "model.tflite"}
    assert "tokens is [B, 1]" in (made.directory / "README.txt").read_text()
    tokens = np.array([[1, 2, 3, 0, 0, 2], [3, 3, 1, 0, 2, 2]], np.int32)
    expected = tf.nn.softmax(model(tf.constant(tokens))[0])
    assert np.ptp(expected) > 0.1
    state = {"state_0": np.zeros([2, 8], np.float32)}
    for run, parts in (
        (OnnxModel(made.directory / "model.onnx"), (slice(0, 2), slice(2, 6))),
        (LiteRTModel(made.directory / "model.tflite"), [slice(i, i + 1) for i in range(6)]),
    ):
        states = state
        for part in parts:
            answer = run(tokens=tokens[:, part], **states)
            np.testing.assert_allclose(answer.pop("probabilities"), expected[:, part], atol=1e-5)
            states = {name.removeprefix("next_"): value for name, value in answer.items()}
