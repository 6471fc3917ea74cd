"""A level of a search: its step, its clipping."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.runtime import optimizers
from darts_tf.search.player import Player
from tests.supernets.tiny import make, tensors


def test_inner_step_is_the_optimizers_next_step(tiny_space):
    supernet = make(tiny_space)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    optimizer = optimizers.SGD(schedule, 0.9, l2=0.02)
    optimizer.build(supernet.weight_variables)
    player = Player("weights", supernet.weight_variables, optimizer, "train")
    rng = np.random.default_rng(0)
    for _ in range(3):
        g = [tf.constant(rng.normal(size=w.shape), tf.float32) for w in supernet.weight_variables]
        expected = player.inner_step()(tensors(supernet.weight_variables), g)
        optimizer.apply(g, supernet.weight_variables)
        for variable, value in zip(supernet.weight_variables, expected, strict=True):
            np.testing.assert_allclose(variable, value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("clip_norm, factor", [(None, 1.0), (10.0, 1.0), (2.5, 0.5)])
def test_clipping_tells_the_norm_of_before(clip_norm, factor):
    player = Player("weights", [], optimizers.SGD(0.1), "train", clip_norm)
    clipped, norm = player.clip([tf.constant([3.0]), tf.constant([0.0, 4.0])])
    assert norm == 5.0
    np.testing.assert_allclose(np.concatenate(clipped), [3 * factor, 0, 4 * factor], rtol=1e-6)
