"""Reports and options of estimators that sample."""

import numpy as np
import pytest
import tensorflow as tf

from darts_tf import gradients
from darts_tf.common.errors import UserError
from darts_tf.gradients import BilevelProblem, Ram, Rebar, Relax, ScoreFunction
from darts_tf.gradients.sampling import MovingAverage
from tests.gradients import dag

LOGITS = tf.constant(dag.LOGITS, tf.float32)


class TestReport:
    def test_variance_and_evaluations(self):
        estimator = dag.built(Ram(samples=4, variance_decay=0.999))
        assert estimator.report() == {"loss_evaluations": 0.0}
        run = tf.function(lambda seed: estimator.estimate(dag.LOSS, LOGITS, seed).loss)
        for step in range(1000):
            run(tf.constant([step, 0]))
        found = estimator.report()
        assert found["loss_evaluations"] == 1000 * 4 * 7
        assert found["gradient_variance"] == pytest.approx(0.11274 / 4, rel=0.1)

    def test_moving_average_is_not_drawn_to_its_start(self):
        average = MovingAverage(0.9)
        average.build()
        assert float(average.value()) == 0
        average.update(tf.constant([2.0, 4.0]))
        assert float(average.value()) == pytest.approx(3)
        average.update(tf.constant([6.0]))
        assert float(average.value()) == pytest.approx((0.09 * 3 / 0.1 + 6) * 0.1 / 0.19)

    def test_a_restored_state_goes_on_alike(self):
        """Whatever a step leaves behind is among the variables."""
        for make in (ScoreFunction, Relax, Rebar, Ram):
            whole, restored = dag.built(make()), dag.built(make())
            for step in range(3):
                whole.estimate(dag.LOSS, LOGITS, tf.constant([step, 2]))
            for mine, its in zip(restored.variables, whole.variables, strict=True):
                mine.assign(its)
            one, other = (
                e.estimate(dag.LOSS, LOGITS, tf.constant([9, 2])) for e in (whole, restored)
            )
            np.testing.assert_array_equal(one.gradient, other.gradient)
            assert whole.report() == restored.report()
            for mine, its in zip(restored.variables, whole.variables, strict=True):
                np.testing.assert_array_equal(mine, its)


class TestOptions:
    @pytest.mark.parametrize(
        "name, options, message",
        [
            ("ram", {"edges": 0}, "edges=0: expected 1 or more"),
            ("ram", {"fresh": 1}, "fresh=1: expected true or false"),
            ("score_function", {"baseline_decay": 1.0}, r"baseline_decay=1.0: expected a number"),
            ("score_function", {"variance_decay": "much"}, "variance_decay='much': expected a n"),
            ("relax", {"learning_rate": "much"}, "learning_rate='much': expected 0 or more"),
            ("relax", {"samples": 0.5}, "samples=0.5: expected 1 or more"),
            ("relax", {"data": "test"}, "data='test': expected validation or train"),
            ("relax", {"edges": 2}, "unknown option 'edges' of the hypergradient 'relax'; expecte"),
            ("first_order", {"samples": 2}, "'first_order'; it has none"),
        ],
    )
    def test_bad_ones(self, name, options, message):
        with pytest.raises(UserError, match=message):
            gradients.get(name, **options)

    def test_more_edges_than_there_are(self):
        with pytest.raises(UserError, match="edges=4: expected at most 3"):
            dag.built(Ram(edges=4))

    def test_two_searches_have_two_states(self):
        assert gradients.get("relax") is not gradients.get("relax")

    def test_nothing_is_drawn(self):
        problem = BilevelProblem(lambda w, a, b: 0.0, lambda w, a, b: 0.0)
        with pytest.raises(UserError, match="ScoreFunction estimates an expectation over sampled"):
            gradients.get("score_function")(problem, {"architecture": [LOGITS]}, {})

    def test_rebar_needs_a_relaxed_loss(self):
        with pytest.raises(UserError, match="between the categories"):
            dag.built(Rebar()).estimate(
                gradients.CategoricalLoss(dag.losses), LOGITS, tf.constant([0, 0])
            )
