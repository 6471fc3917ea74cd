import dataclasses
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.datasets import TextData
from darts_tf.networks.language_evaluation import evaluate_language_model
from darts_tf.networks.language_model import build_language_model
from darts_tf.networks.language_training import LanguageRecipe, train_language_model
from darts_tf.search.callbacks import TimeLeft

#: 0 1 2 0 1 2 ..., which is learnt in no time.
TURNS = np.tile(np.arange(3, dtype=np.int32), 60)
DATA = TextData("turns", "characters", ("a", "b", "c"), TURNS, TURNS[:40], TURNS[:40])
RECIPE = LanguageRecipe(
    epochs=3, batch_size=4, steps=8, learning_rate=2.0, evaluation_batch_size=2, weight_decay=0.0
)


def make(**options):
    keras.utils.set_random_seed(1)
    return build_language_model("gru", 3, 4, seed=2, **options)


class Logs(keras.callbacks.Callback):
    def __init__(self, stop_after=None):
        super().__init__()
        self.epochs, self.steps, self._stop_after = [], 0, stop_after

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == self._stop_after:
            raise InterruptedError

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs)


def values(model):
    return np.concatenate([v.numpy().ravel() for v in model.trainable_variables])


def test_learns_and_keeps_the_best_epoch(capsys):
    logs, progress, model = Logs(), TimeLeft(("loss", "val_loss")), make()
    found = train_language_model(
        model, DATA, dataclasses.replace(RECIPE, epochs=6), callbacks=[logs, progress]
    )
    assert found.best_loss == min(found.validation_losses) < 0.2 < found.validation_losses[0]
    assert found.averaged_from is None and len(logs.epochs) == 6
    last = logs.epochs[-1]
    assert last["val_loss"] == found.validation_losses[-1]
    assert last["val_bits_per_character"] == pytest.approx(last["val_loss"] / np.log(2))
    evaluated = evaluate_language_model(model, DATA.validation, 2, 8)
    assert evaluated == pytest.approx(found.best_loss, rel=1e-6)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("building the graph")
    assert lines[0].startswith(f"epoch 1/6  loss {logs.epochs[0]['loss']:.4f}  val_loss ")
    assert "left" in lines[0] and "left" not in lines[5]


def test_in_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make(slowness=0.1)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(TURNS[None, :5])[0].dtype == "bfloat16"
    found = train_language_model(model, DATA, dataclasses.replace(RECIPE, epochs=6))
    assert found.best_loss < 0.2


def test_several_replicas(monkeypatch):
    two = types.SimpleNamespace(num_replicas_in_sync=2)
    model = make()
    with monkeypatch.context() as patched:
        patched.setattr(tf.distribute, "get_strategy", lambda: two)
        with pytest.raises(UserError, match="the strategy has 2 replicas, on each of which Keras"):
            train_language_model(model, DATA, RECIPE)


def test_one_step_by_hand():
    """The learning rate is scaled by the window, the gradient clipped, L2 added to it."""
    data = dataclasses.replace(DATA, train=TURNS[:6])
    recipe = LanguageRecipe(
        epochs=1, batch_size=1, steps=20, learning_rate=3.0, clip_norm=0.01, weight_decay=0.1
    )
    model = make()
    before = values(model)
    train_language_model(model, data, dataclasses.replace(recipe, evaluation_batch_size=2))
    # One window of 5 tokens: w - 3 * 5/20 * (g + 0.1 w), |g| = 0.01.
    step = (before - values(model)) / 0.75 - 0.1 * before
    assert np.linalg.norm(step) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("stop_after", [2, 20])
def test_goes_on_in_the_middle_of_a_text(tmp_path, stop_after):
    options = {"embedding_dropout": 0.1, "output_dropout": 0.2, "slowness": 0.1}
    recipe = dataclasses.replace(RECIPE, epochs=4, patience=0)
    # The validation text is another one, so that the third epoch is worse and averaging begins.
    data = dataclasses.replace(DATA, validation=TURNS[:40][::-1].copy())
    whole, logs = make(**options), Logs()
    expected = train_language_model(whole, data, recipe, callbacks=[logs])
    assert expected.averaged_from == 4
    arguments = {"checkpoint_dir": tmp_path, "checkpoint_seconds": 0.0}
    with pytest.raises(InterruptedError):
        train_language_model(
            make(**options), data, recipe, callbacks=[Logs(stop_after)], **arguments
        )
    model, again = make(**options), Logs()
    found = train_language_model(model, data, recipe, callbacks=[again], **arguments)
    assert found == expected and again.epochs == logs.epochs[-len(again.epochs) :]
    assert 0 < again.steps < logs.steps
    np.testing.assert_array_equal(values(model), values(whole))
    # Finished, it does nothing; for more epochs, it goes on.
    assert train_language_model(make(**options), data, recipe, **arguments) == expected
    longer = dataclasses.replace(recipe, epochs=5)
    found = train_language_model(make(**options), data, longer, **arguments)
    assert found.validation_losses[:4] == expected.validation_losses
    with pytest.raises(UserError, match="learning_rate was 2.0 and is now 1.0"):
        other = dataclasses.replace(recipe, learning_rate=1.0)
        train_language_model(make(**options), data, other, **arguments)


def test_averages_once_it_gets_no_better():
    # Random text cannot be learnt: the validation loss goes up and down.
    text = np.random.RandomState(3).randint(0, 3, 200).astype(np.int32)
    data = dataclasses.replace(DATA, train=text, validation=text[::-1].copy())
    recipe = dataclasses.replace(RECIPE, epochs=8, patience=1, learning_rate=10.0, clip_norm=1.0)
    found = train_language_model(make(), data, recipe)
    losses = found.validation_losses
    trigger = next(n for n in range(2, 8) if losses[n] > min(losses[: n - 1]))
    assert found.averaged_from == trigger + 2
    never = train_language_model(make(), data, dataclasses.replace(recipe, patience=None))
    assert never.averaged_from is None
    assert never.validation_losses[: trigger + 1] == losses[: trigger + 1]
    assert max(losses[trigger + 2 :]) < max(never.validation_losses[trigger + 2 :])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"learning_rate": 1e38, "clip_norm": 1e30}, "the training loss is nan in epoch 1"),
        ({"batch_size": 100}, "in 100 columns has 1 a column"),
        ({"evaluation_batch_size": 50}, "39 to predict, too few for 50 columns"),
        ({"epochs": 0}, "no epoch"),
    ],
)
def test_what_cannot_be_trained(changes, message):
    with pytest.raises(UserError, match=message):
        train_language_model(make(), DATA, dataclasses.replace(RECIPE, **changes))


def test_a_model_for_another_text():
    with pytest.raises(UserError, match="knows 4 characters and the text has 3"):
        train_language_model(build_language_model("gru", 4, 4), DATA, RECIPE)
