"""Refusals of a search, and how it ends where it cannot go on."""

import dataclasses
import re

import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from darts_tf import methods, tasks
from darts_tf.common.errors import UserError
from darts_tf.runtime import optimizers
from darts_tf.runtime.out_of_memory import OutOfMemoryError
from darts_tf.runtime.train_function import TrainFunction
from darts_tf.search.architecture_search import ArchitectureSearch, NonFiniteError
from darts_tf.supernets.supernet import Supernet
from tests import toy
from tests.search.searches import (
    BATCH,
    STEPS,
    TOY_TRAIN,
    TOY_VALIDATION,
    TRAIN,
    VALIDATION,
    Recorder,
    data,
    make,
    make_toy,
    state,
)


class _ByLoss(tasks.ImageClassification):
    def metrics(self):
        return ()


@pytest.fixture
def search():
    """One of vectors that has not begun."""
    return make_toy()


def test_no_direction_for_the_finite_difference_is_said_once(eagerly, monkeypatch):
    said = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: said.append(text % args))
    # A loss that the weights do not enter.
    search = make_toy("darts-v2", loss=lambda labels, logits: 0 * logits[:, 0])
    search.fit(TOY_TRAIN(0).take(2), TOY_VALIDATION, verbose=0)
    text, draw = said
    assert "zero or not finite in step 1 of epoch 1" in text and "first-order gradient" in text
    # Only the weight decay moved the alphas.
    assert "close to a draw" in draw


class TestErrors:
    def test_not_finite(self, eagerly, tmp_path):
        search = make_toy()
        bad = (
            TOY_TRAIN(0)
            .enumerate()
            .map(lambda step, batch: (batch[0] * (np.nan if step == 1 else 1.0), batch[1]))
        )
        bad = bad.apply(tf.data.experimental.assert_cardinality(STEPS))
        reasons = "not finite in step 2 of epoch 1 .*learning rate that is too high, or images that"
        options = {"verbose": 0, "checkpoint_dir": tmp_path}
        with pytest.raises(NonFiniteError, match=reasons):
            search.fit(bad, TOY_VALIDATION, checkpoint_seconds=0, **options)
        # The last checkpoint is that of the step before.
        again, recorder = make_toy(), Recorder()
        again.fit(TOY_TRAIN(0), TOY_VALIDATION, callbacks=[recorder], **options)
        assert recorder.calls[2] == "batch 1 begin"
        assert all(np.isfinite(value).all() for value in state(again))

    @pytest.mark.parametrize(
        "error, asked_for",
        [
            (
                tf.errors.ResourceExhaustedError(
                    None,
                    None,
                    "Graph execution error:\n\nOOM when allocating tensor with shape[64,32,8,8] "
                    "and type float on /device:GPU:0 by allocator GPU_0_bfc [Op:Conv2D]\n\nHint",
                ),
                r"OOM when allocating tensor with shape\[64,32,8,8\] and type float",
            ),
            (MemoryError(), "an allocation failed"),
        ],
    )
    def test_out_of_memory(self, tiny_space, error, asked_for, monkeypatch):
        def step(*args):
            raise error

        monkeypatch.setattr(TrainFunction, "__call__", step)
        search = make(tiny_space)
        train = data(0, 0).unbatch().batch(BATCH, drop_remainder=True)
        train = train.apply(tf.data.experimental.assert_cardinality(STEPS))
        with pytest.raises(OutOfMemoryError, match=f"out of memory in epoch 1: {asked_for}") as e:
            search.fit(train, VALIDATION, verbose=0)
        text = str(e.value)
        assert "\n" not in text and "The last checkpoint is intact" in text
        assert "--channels or fewer --cells, or more --accumulate_steps. The last" in text
        had, with_2, with_1 = (
            float(found)
            for found in re.search(
                r"batch size 4 .* taken ([\d.]+) GB .* ([\d.]+) GB with 2, ([\d.]+) GB with 1\.",
                text,
            ).groups()
        )
        assert 0.2 < had < 50
        assert abs(with_2 - had / 2) <= 0.1 and abs(with_1 - had / 4) <= 0.1

    @pytest.mark.parametrize(
        "train, validation, reason",
        [
            (TRAIN(0).take(0), VALIDATION, "hold no whole batch; use a smaller batch size"),
            (TRAIN, VALIDATION(0).take(0), "hold no whole batch"),
            (TRAIN(0).repeat(), VALIDATION, "unknown or infinite; use .take"),
            (TRAIN(0).filter(lambda *_: True), VALIDATION, "unknown or infinite"),
            (TRAIN, VALIDATION(0).repeat(), "the validation data have no end, .* leave out .rep"),
        ],
    )
    def test_data_without_a_length(self, search, train, validation, reason):
        with pytest.raises(UserError, match=reason):
            search.fit(train, validation, verbose=0)

    def test_evaluation_of_data_without_an_end(self, search):
        with pytest.raises(UserError, match="the data to evaluate on have no end"):
            search.evaluate(VALIDATION(0).repeat())

    def test_optimizer_that_cannot_be_unrolled(self, tiny_space):
        search = make(tiny_space, "darts-v2", weight_optimizer=optimizers.Adam(0.1))
        with pytest.raises(UserError, match="unrolls a step of SGD; got the weight optimizer Adam"):
            search.fit(TRAIN, VALIDATION, verbose=0)

    @pytest.mark.parametrize(
        "method, steps, reason",
        [
            ("darts-v1", 0, "accumulate_steps must be at least 1, got 0"),
            ("darts-v2-exact", 2, "does not go with the hypergradient 'unrolled'"),
        ],
    )
    def test_accumulation_that_is_none(self, search, method, steps, reason):
        with pytest.raises(UserError, match=reason):
            ArchitectureSearch(search.supernet, method, accumulate_steps=steps)

    def test_recomputation_that_is_none(self, tiny_space):
        plain = Supernet(tiny_space, (6, 6, 1), 2, channels=2, cells=3, batched=False)
        with pytest.raises(UserError, match="these cells are of kind MixedCell"):
            ArchitectureSearch(plain, "darts-v1", recompute=True)

    def test_unknown_method(self, search):
        with pytest.raises(UserError, match="unknown method 'darts'; expected one of darts-v1"):
            ArchitectureSearch(search.supernet, "darts")


def test_a_validation_that_is_not_finite_is_said_and_never_the_best(eagerly, monkeypatch):
    said = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: said.append(text % args))

    def validation(epoch):
        # Not in the first batch, which is looked at before.
        bad = np.float32([1, np.nan if epoch == 0 else 1])
        return tf.data.Dataset.zip(
            (toy.data(1, 0, 8), tf.data.Dataset.from_tensor_slices(bad))
        ).map(lambda batch, factor: (factor * batch[0], batch[1]))

    # No step of the alphas, whose loss would stop the search; ranked by the loss.
    method = dataclasses.replace(methods.get("darts-v1"), gradient=None)
    search = make_toy(method, task=_ByLoss())
    history = search.fit(toy.data(0, 0, 8), validation, epochs=2, verbose=0).history
    assert np.isnan(history["val_loss"][0]) and np.isfinite(history["val_loss"][1])
    assert len([text for text in said if "validation loss of epoch 1 is not finite" in text]) == 1
    assert search.best.epoch == 2
