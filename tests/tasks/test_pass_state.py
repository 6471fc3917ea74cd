import numpy as np
import pytest
import tensorflow as tf

from darts_tf.common.errors import UserError
from darts_tf.tasks import ImageClassification, PassState, Task


class Counting(Task):
    """The state is a number for each example."""

    def initial_state(self, model, batch_size):
        return tf.fill([batch_size], model)


def batch(examples):
    return np.zeros((examples, 2)), np.zeros(examples)


def test_from_batch_to_batch():
    state = PassState(Counting(), 7)
    np.testing.assert_array_equal(state.before(batch(3))[0], [7, 7, 7])
    state.after("next")
    assert state.before(batch(3)) == ("next",)


def test_other_sizes_have_no_state():
    state = PassState(Counting(), 7)
    state.before(batch(3))
    with pytest.raises(UserError, match="same number of examples; got 3 and then 2"):
        state.before(batch(2))


def test_nothing_goes_on_without_a_state():
    state = PassState(ImageClassification(), None)
    for examples in (3, 2):
        assert state.before(batch(examples)) == ()
        state.after(None)
