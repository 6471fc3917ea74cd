import keras
import numpy as np
import pytest
import tensorflow as tf

from darts_tf.runtime.averaged_sgd import AveragedSGD, has_stopped_improving

GRADIENTS = np.array([[0.3, 0.1, -4.0], [-0.2, 0.5, 1.0], [0.0, 2.0, 3.0], [1.0, 1.0, -1.0]])
WEIGHTS = np.array([1.0, -2.0, 0.5])


def make(**options):
    variable = keras.Variable(WEIGHTS, dtype="float32")
    optimizer = AveragedSGD(0.1, **options)
    optimizer.build([variable])
    return optimizer, variable


def step(optimizer, variable, gradient):
    optimizer.apply([tf.constant(gradient, tf.float32)], [variable])
    return variable.numpy().copy()


@pytest.mark.parametrize(
    "losses, expected",
    [
        ([5.0], False),
        ([1.0, 2.0, 3.0], False),  # There are not more than 2 before the last.
        ([1.0, 2.0, 3.0, 3.0], True),
        ([4.0, 2.0, 3.0, 3.9], False),  # Better than all before the last two.
        ([4.0, 2.0, 3.0, 4.0], False),  # Not above it.
        ([4.0, 2.0, 3.0, 4.1], True),
        ([4.0, 1.0, 3.0, 2.0, 2.0], True),
        ([4.0, 3.0, 1.0, 2.0, 2.0], False),
        ([1.0, 2.0, 3.0, float("nan")], False),
    ],
)
def test_the_trigger(losses, expected):
    assert has_stopped_improving(losses, patience=2) is expected


def test_the_default_patience_is_five():
    assert not has_stopped_improving([1.0, *[2.0] * 5])
    assert has_stopped_improving([1.0, *[2.0] * 6])


def test_averages_of_all_values_since_the_start():
    optimizer, variable = make(l2=0.05)
    step(optimizer, variable, GRADIENTS[0])
    optimizer.start()
    values = [step(optimizer, variable, gradient) for gradient in GRADIENTS[1:]]
    with optimizer.averaged():
        np.testing.assert_allclose(variable.numpy(), np.mean(values, axis=0), rtol=1e-6)
    np.testing.assert_array_equal(variable.numpy(), values[-1])


def test_the_steps_stay_those_of_sgd():
    optimizer, variable = make(l2=0.05, global_clipnorm=1.0)
    optimizer.start()
    expected = WEIGHTS
    for gradient in GRADIENTS:
        clipped = gradient * min(1, 1 / np.linalg.norm(gradient))
        expected = expected - 0.1 * (clipped + 0.05 * expected)
        got = step(optimizer, variable, gradient)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_before_the_start_there_are_no_averages():
    optimizer, variable = make()
    value = step(optimizer, variable, GRADIENTS[0])
    with optimizer.averaged():
        np.testing.assert_array_equal(variable.numpy(), value)
    optimizer.start()
    assert optimizer.averages_iterates
    with optimizer.averaged():  # Nor before the first step.
        np.testing.assert_array_equal(variable.numpy(), value)


def test_a_second_start_changes_nothing():
    optimizer, variable = make()
    optimizer.start()
    values = []
    for gradient in GRADIENTS:
        values.append(step(optimizer, variable, gradient))
        optimizer.start()
    with optimizer.averaged():
        np.testing.assert_allclose(variable.numpy(), np.mean(values, axis=0), rtol=1e-6)


def test_values_come_back_when_an_evaluation_fails():
    optimizer, variable = make()
    optimizer.start()
    step(optimizer, variable, GRADIENTS[0])
    value = step(optimizer, variable, GRADIENTS[1])
    with pytest.raises(RuntimeError), optimizer.averaged():
        raise RuntimeError
    np.testing.assert_array_equal(variable.numpy(), value)


def test_goes_on_from_its_variables():
    results = []
    for interrupted in (False, True):
        optimizer, variable = make()
        optimizer.start()
        for gradient in GRADIENTS:
            step(optimizer, variable, gradient)
            if interrupted:
                kept = [v.numpy() for v in [variable, *optimizer.variables]]
                optimizer, variable = make()
                for v, value in zip([variable, *optimizer.variables], kept, strict=True):
                    v.assign(value)
        with optimizer.averaged():
            results.append(variable.numpy())
    np.testing.assert_array_equal(*results)


def test_config():
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(AveragedSGD(0.1, l2=0.5))
    )
    assert type(again) is AveragedSGD and again.l2 == 0.5
