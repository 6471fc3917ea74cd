import itertools

import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common import lengths
from darts_tf.common.errors import UserError
from darts_tf.networks import training
from darts_tf.selections.evaluation import SupernetEvaluation

BATCHES = tf.data.Dataset.from_tensor_slices((np.zeros((4, 2)), np.zeros(4, int))).batch(2)
UNKNOWN = BATCHES.filter(lambda *_: True)


class TestOnePass:
    @pytest.mark.parametrize("data", [BATCHES, UNKNOWN, list(BATCHES)])
    def test_data_with_an_end(self, data):
        assert len(list(lengths.one_pass("data", data))) == 2

    def test_data_without_an_end(self):
        with pytest.raises(UserError, match=r"the test images have no end, .* \.take\(n\)"):
            lengths.one_pass("test images", BATCHES.repeat())

    def test_data_that_may_have_no_end(self, monkeypatch, caplog):
        monkeypatch.setattr(lengths, "LONG", 3)
        list(lengths.one_pass("data", UNKNOWN))
        assert not caplog.records
        data = tf.data.Dataset.from_generator(
            itertools.count, output_signature=tf.TensorSpec((), tf.int32)
        )
        assert list(itertools.islice(lengths.one_pass("images", data), 5)) == [0, 1, 2, 3, 4]
        (record,) = caplog.records
        assert record.getMessage().startswith("3 batches of the images were read and there are")


class TestCountBatches:
    def test_known(self):
        assert lengths.count_batches("batches", BATCHES) == 2

    @pytest.mark.parametrize("data", [UNKNOWN, BATCHES.repeat()])
    def test_unknown(self, data):
        with pytest.raises(UserError, match="the number of batches is unknown or infinite; use"):
            lengths.count_batches("batches", data)


@pytest.mark.parametrize(
    "take",
    [
        lambda data: SupernetEvaluation(None, data),
        lambda data: training.test_network(None, data),
        lambda data: training.train_network(
            None, lambda epoch: BATCHES, training.Recipe(), validation=data
        ),
    ],
)
def test_who_refuses_data_without_an_end(take):
    with pytest.raises(UserError, match="data have no end, and all of them would be read"):
        take(BATCHES.repeat())


def test_training_needs_to_know_the_number_of_batches():
    with pytest.raises(UserError, match="the number of training batches is unknown or infinite"):
        training.train_network(None, lambda epoch: BATCHES.repeat(), training.Recipe())
