import dataclasses

import keras
import numpy as np
import pytest

from darts_tf import gradients
from darts_tf.common.constant_weights import constant_weights
from darts_tf.supernets.problem import SupernetProblem
from darts_tf.verification import CLAIMS, Claim, check, closed_forms, networks


def names(claims):
    return [claim.name for claim in claims]


def failed(claims):
    return [claim.name for claim in claims if not check(claim).passed]


def chosen(text):
    return [claim for claim in CLAIMS if text in claim.name]


@pytest.mark.parametrize("claim", closed_forms.CLAIMS, ids=names(closed_forms.CLAIMS))
def test_closed_form(claim):
    result = check(claim)
    assert result.passed, result


@pytest.mark.slow
@pytest.mark.parametrize("claim", networks.CLAIMS, ids=names(networks.CLAIMS))
def test_network(claim):
    result = check(claim)
    assert result.passed, result


def test_every_claim_has_a_name_of_its_own():
    assert len(set(names(CLAIMS))) == len(CLAIMS) > 30


class TestCheck:
    def claim(self, *measured, expected=(1.0, -2.0)):
        return check(Claim("a claim", expected, 0.1, lambda: measured))

    def test_within_the_tolerance(self):
        assert self.claim(1.05, np.float32(-2.05)).passed

    @pytest.mark.parametrize(
        "measured", [(1.05, -2.2), (1.05, 2.0), (1.0, np.nan), (np.inf, -2.0), (1.0,), ()]
    )
    def test_failed(self, measured):
        assert not self.claim(*measured).passed

    def test_nan_is_not_even_itself(self):
        assert not self.claim(np.nan, expected=(np.nan,)).passed

    def test_an_exception_fails(self):
        result = check(Claim("divides", (0.0,), 1.0, lambda: [1 / 0]))
        assert (result.passed, result.measured) == (False, ())
        assert result.error == "ZeroDivisionError: division by zero"


def direct_term(problem, point, batches):
    """dL_val(w', a)/da."""
    moved = problem.stepped(problem.inner[0], point, batches["weights"])
    return gradients.first_order(problem, {**point, "weights": moved}, batches).architecture


def second_order_term_times(estimator, factor):
    """The bugs of published implementations: a factor at the second-order term."""

    def faulty(*args, **options):
        right = estimator(*args, **options)
        terms = zip(direct_term(*args), right.architecture, strict=True)
        return right._replace(architecture=[d + factor * (g - d) for d, g in terms])

    return faulty


def ignored(*args, **options):
    return gradients.first_order(*args)


def forgets_the_velocity(problem, point, batches, **options):
    step = dataclasses.replace(problem.inner[0].step, momentum=0.0)
    return gradients.unrolled(problem.with_steps(weights=step), point, batches, **options)


FAULTS = {
    "wrong sign": ("unrolled", second_order_term_times(gradients.unrolled, -1)),
    "ignored": ("unrolled", ignored),
    "no velocity": ("unrolled", forgets_the_velocity),
    "wrong sign of the difference": (
        "finite_difference",
        second_order_term_times(gradients.finite_difference, -1),
    ),
    "times epsilon": (
        "finite_difference",
        second_order_term_times(gradients.finite_difference, 0.02**2),
    ),
    "no factor 1/2": (
        "finite_difference",
        second_order_term_times(gradients.finite_difference, 2),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_name(fault, monkeypatch):
    name, estimator = FAULTS[fault]
    monkeypatch.setitem(gradients._GRADIENTS._entries, name, estimator)
    # That of the other estimator holds.
    assert failed(chosen("momentum and decay")) == [f"{name}: quadratic, momentum and decay"]


def test_batch_normalization_of_keras_is_found(monkeypatch):
    monkeypatch.setattr(networks, "BatchNormalization", keras.layers.BatchNormalization)
    found = failed(chosen("second derivative"))
    assert found == names(chosen("second derivative")) and len(found) == 2


@pytest.mark.slow
def test_an_architecture_step_that_moves_statistics_is_found(monkeypatch):
    forward = SupernetProblem._forward

    def faulty(self, given, batch, *others):
        with constant_weights(False):
            self.supernet(batch[0], training=True)
        return forward(self, given, batch, *others)

    monkeypatch.setattr(SupernetProblem, "_forward", faulty)
    (claim,) = chosen("variables changed")
    result = check(claim)
    assert not result.passed and min(result.measured) > 0
