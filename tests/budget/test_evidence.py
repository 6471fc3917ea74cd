import math

import numpy as np
import pytest

from darts_tf.budget import evidence

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(200, 5))
TARGETS = np.where(RANDOM.random(200) < 0.5, LOGITS.argmax(1), RANDOM.integers(0, 5, 200))


def of(logits=LOGITS, targets=TARGETS, counts=None):
    counts = np.ones(len(targets)) if counts is None else counts
    return evidence.of_answers(logits.astype(np.float32), targets, counts)


@pytest.mark.parametrize("surer", [0.5, 1.0, 4.0])
def test_two_classes_by_hand(surer):
    """At the best temperature, one that is as sure of all is as sure as it is right."""
    logits = np.zeros((40, 2))
    logits[:, 0] = surer
    found = of(logits, (np.arange(40) >= 30).astype(np.int32))
    right, wrong = math.log(0.75), math.log(0.25)
    assert found["accuracy"] == 0.75
    assert found["score"] == pytest.approx(0.75 * right + 0.25 * wrong, abs=1e-8)
    deviation = math.sqrt(0.75 * 0.25 / 40) * (right - wrong)
    assert found["deviation"] == pytest.approx(deviation, rel=1e-4)
    untempered = 0.75 * math.log1p(math.exp(-surer)) + 0.25 * math.log1p(math.exp(surer))
    assert found["loss"] == pytest.approx(untempered)


def test_how_sure_a_network_is_of_all_makes_no_difference():
    plain, surer = of(), of(3 * LOGITS)
    assert surer["score"] == pytest.approx(plain["score"], abs=1e-6)
    assert surer["loss"] > plain["loss"] + 0.1
    assert -plain["score"] <= plain["loss"]


def test_an_image_that_counts_twice_is_two():
    counts = np.where(np.arange(200) < 50, 2.0, 1.0)
    twice = np.concatenate([np.arange(200), np.arange(50)])
    counted, repeated = of(counts=counts), of(LOGITS[twice], TARGETS[twice])
    for name in ("score", "accuracy", "loss"):
        assert counted[name] == pytest.approx(repeated[name])
    # Of (2 * 50 + 150)**2 / (4 * 50 + 150) images, not of 250.
    ratio = counted["deviation"] / repeated["deviation"]
    assert ratio == pytest.approx(math.sqrt(250 / (250**2 / 350)))


def test_all_right_and_as_sure_as_the_bounds_allow():
    found = of(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 0]))
    assert -1e-7 < found["score"] <= 0 and found["accuracy"] == 1


def test_no_number():
    logits = LOGITS.copy()
    logits[3, 1] = np.nan
    found = of(logits)
    assert math.isnan(found["score"]) and found["deviation"] == 0
