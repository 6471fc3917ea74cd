"""One kind of estimator: options, attributes, and those of a user's own."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.errors import UserError
from darts_tf.gradients import Gradient, InnerStep
from darts_tf.verification import problems

POINT = problems.at([0.5, 0.0], [0.5, 0.25])
STEP = InnerStep(0.1)


def estimate(estimator, problem=None, **options):
    problem = problem or problems.quadratic(STEP)
    return estimator(problem, POINT, problems.NO_BATCHES, **options).architecture[0]


class TestOptions:
    @pytest.mark.parametrize(
        "name, option", [("unrolled", {"steps": 2}), ("finite_difference", {"radius": 1e-3})]
    )
    def test_equal_those_of_a_call(self, name, option):
        tanh = problems.tanh(STEP)
        found = estimate(gradients.get(name, **option), tanh)
        callable_by_name = getattr(gradients, name)
        np.testing.assert_array_equal(found, estimate(callable_by_name, tanh, **option))
        behind = callable_by_name(tanh, POINT, problems.NO_BATCHES, *option.values())
        np.testing.assert_array_equal(found, behind.architecture[0])
        assert np.any(found != estimate(gradients.get(name), tanh))

    def test_terms_of_the_neumann_series(self):
        # xi B^T sum_k (H (I - xi H))^k .. of one term is B^T H xi v with v = w - t = (.3, -.3).
        found = estimate(gradients.get("neumann", terms=1))
        h, b = np.array([[2, 0.5], [0.5, 1]]), np.array([[1, 0], [0.5, -1]])
        np.testing.assert_allclose(found, 0.1 * b.T @ h @ [0.3, -0.3], rtol=1e-12)
        series = sum(np.linalg.matrix_power(np.eye(2) - 0.1 * h, k) for k in range(3))
        found = estimate(gradients.get("neumann", terms=3))
        np.testing.assert_allclose(found, 0.1 * b.T @ h @ series @ [0.3, -0.3], rtol=1e-12)

    def test_damping(self):
        found = estimate(gradients.get("conjugate_gradient", iterations=2, damping=1.0))
        h, b = np.array([[2, 0.5], [0.5, 1]]), np.array([[1, 0], [0.5, -1]])
        expected = b.T @ h @ np.linalg.solve(h + np.eye(2), [0.3, -0.3])
        np.testing.assert_allclose(found, expected, rtol=1e-10)

    @pytest.mark.parametrize(
        "name, options, message",
        [
            ("unrolled", {"steps": 0}, "steps=0: expected 1 or more"),
            ("unrolled", {"steps": True}, "steps=True: expected 1 or more"),
            ("unrolled", {"radius": 1}, "unknown option 'radius' of the hypergradient 'unrolled'"),
            ("finite_difference", {"radius": 0}, "radius=0: expected a number above 0"),
            ("finite_difference", {"radius": "wide"}, "radius='wide': expected a number above 0"),
            ("finite_difference", {"radius": np.inf}, "radius=inf: expected a number above 0"),
            ("neumann", {"terms": 0.5}, "terms=0.5: expected 1 or more"),
            ("conjugate_gradient", {"iterations": 0}, "iterations=0: expected 1 or more"),
            ("conjugate_gradient", {"damping": -1}, "damping=-1: expected a number, 0 or more"),
            (gradients.Unrolled, {"step": 1}, "option 'step' of the hypergradient 'unrolled'; exp"),
            (gradients.unrolled, {"steps": 2}, "'unrolled' is made already; give steps where"),
            (3, {}, "expected a hypergradient: a name"),
            ({"class_name": "Neumann", "config": {"term": 3}}, {}, "does not fit Neumann"),
        ],
    )
    def test_refused(self, name, options, message):
        with pytest.raises(UserError, match=message):
            gradients.get(name, **options)

    def test_missing(self):
        class Needs(Gradient):
            def __init__(self, factor):
                self.factor = factor

        with pytest.raises(UserError, match="does not fit Needs: .*'factor'"):
            gradients.get(Needs)
        assert gradients.get(Needs, factor=2).factor == 2

    def test_unknown_one_of_a_call(self):
        with pytest.raises(TypeError, match="stride"):
            estimate(gradients.unrolled, stride=2)


def estimate_nothing(*arguments):
    return gradients.Hypergradient([], tf.zeros(()))


def test_a_name_of_ones_own(monkeypatch):
    monkeypatch.setattr(gradients._GRADIENTS, "_entries", dict(gradients._GRADIENTS._entries))
    gradients.register("nothing", estimate_nothing)
    assert (
        gradients.names()[-1] == "nothing" and gradients.get("nothing")(None, None, None)[0] == []
    )
    with pytest.raises(UserError, match="another hypergradient named 'unrolled'"):
        gradients.register("unrolled", estimate_nothing)


def test_an_object_or_its_configuration():
    assert gradients.get(gradients.Neumann(3)) == gradients.Neumann(3)
    assert gradients.get(gradients.Neumann) == gradients.neumann
    configuration = gradients.serialize(gradients.Neumann(3))
    assert configuration == {"class_name": "Neumann", "config": {"terms": 3}}
    assert gradients.get(configuration) == gradients.Neumann(3)
    assert gradients.serialize(gradients.first_order) == "first_order"
    assert gradients.label(gradients.Neumann(3)) == gradients.label(configuration) == "Neumann"
    assert gradients.label(gradients.neumann) == gradients.label("neumann") == "neumann"
    assert gradients.label(gradients.get(estimate_nothing)) == "estimate_nothing"


def test_what_they_say_of_themselves():
    """The lists that the loop and its checks go by."""

    def those(attribute):
        return [n for n in gradients.names() if getattr(gradients.get(n), attribute)]

    nested = ["unrolled", "neumann", "conjugate_gradient"]
    assert those("differentiates_twice") == nested
    assert those("second_order") == ["unrolled", "finite_difference", *nested[1:]]
    assert those("unrolls") == ["unrolled", "finite_difference"]
    assert those("one_level") == ["one_level", "one_level_train"]
    assert those("samples_architectures") == ["score_function", "relax", "rebar", "ram"]
    assert those("memory") == ["first_order", "finite_difference"]
    assert gradients.second_order("neumann") and gradients.samples_architectures("ram")
    assert gradients.is_one_level("one_level") and not gradients.is_one_level("neumann")


class TestOwn:
    def test_a_function(self):
        """A hypergradient that is half of the first-order one."""

        def half(problem, point, batches, factor=0.5):
            found = gradients.first_order(problem, point, batches)
            return found._replace(architecture=[factor * g for g in found.architecture])

        outer = problems.mixed_outer_loss()
        # dL_val/da = (0, 2 w_0 a_1) = (0, .25).
        estimator = gradients.get(half)
        np.testing.assert_allclose(estimate(estimator, outer), [0, 0.125])
        np.testing.assert_allclose(estimate(gradients.get(half, factor=2.0), outer), [0, 0.5])
        assert estimator.variables == [] and estimator.report() == {}
        assert not estimator.second_order and not estimator.samples_architectures
        with pytest.raises(UserError, match="half.*unexpected keyword argument 'share'"):
            gradients.get(half, share=2.0)
        with pytest.raises(UserError, match="too many positional arguments; expected a function"):
            gradients.get(lambda problem, point: None)

    def test_an_estimator(self):
        @dataclasses.dataclass(frozen=True)
        class Half(Gradient):
            factor: float = 0.5
            second_order = True

            def __call__(self, *arguments):
                found = gradients.unrolled(*arguments)
                return found._replace(architecture=[self.factor * g for g in found.architecture])

        whole = estimate(gradients.unrolled)
        for made in (gradients.get(Half(0.25)), gradients.get(Half, factor=0.25)):
            np.testing.assert_allclose(estimate(made), 0.25 * whole, rtol=1e-12)
            assert made.second_order
