import dataclasses

import numpy as np
import pytest

from darts_tf.selections.criteria import (
    CRITERIA,
    Criterion,
    take_out,
    take_out_renormalized,
    with_row,
)

# One edge with the operations none, skip and convolution, whose outputs are numbers; the loss is
# the squared distance of their mixture from 1.
OUTPUTS = np.array([0.0, 0.6, 1.0])
BETA = np.array([0.1, 0.6, 0.3])
PLACE = ("normal", 0)


class Toy:
    """The loss of the toy edge."""

    def loss(self, rows):
        return float((rows["normal"][0] @ OUTPUTS - 1) ** 2)

    def gradients(self, rows):
        return {"normal": (2 * (rows["normal"][0] @ OUTPUTS - 1) * OUTPUTS)[None]}


class Linear:
    """A loss that is linear in the weights."""

    SLOPES = np.array([[0.3, -0.2, 0.5], [1.0, 0.1, -0.4]])

    def loss(self, rows):
        return float((rows["normal"] * self.SLOPES).sum()) + 2

    def gradients(self, rows):
        return {"normal": self.SLOPES}


def strengths(name, beta=BETA):
    (found,) = CRITERIA[name].strengths(Toy(), {"normal": beta[None]}, [PLACE])
    return found


@pytest.mark.parametrize(
    "name, expected",
    [
        # Losses 1, 0.16 and 0 when an operation is alone, 0.1156 of the mixture.
        ("operation_strength", 0.1156 - np.array([1, 0.16, 0])),
        ("operation_strength_first_order", [-0.4488, -0.0408, 0.2312]),
        # Losses when an operation is gone.
        ("removal", np.array([0.1156, 0.49, 0.4096]) - 0.1156),
        ("removal_renormalized", np.array([0.07111111, 0.0625, 0.23591837]) - 0.1156),
    ],
)
def test_the_toy_edge(name, expected):
    np.testing.assert_allclose(strengths(name), expected, rtol=0, atol=1e-8)


def test_the_toy_edge_tells_the_criteria_apart():
    """Magnitude and removal take the skip connection, retention the convolution."""
    assert BETA.argmax() == 1
    best = {name: int(strengths(name).argmax()) for name in CRITERIA if name != "perturbation"}
    assert best == {
        "operation_strength": 2,
        "operation_strength_first_order": 2,
        "removal": 1,
        "removal_first_order": 1,
        "removal_renormalized": 2,
    }


def test_first_order_equals_exact_where_the_loss_is_linear():
    rows = {"normal": np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])}
    places = [PLACE, ("normal", 1)]
    for name in ("operation_strength", "removal"):
        exact, estimated = (
            CRITERIA[key].strengths(Linear(), rows, places) for key in (name, f"{name}_first_order")
        )
        np.testing.assert_allclose(exact, estimated, atol=1e-12)
        exact, estimated = (
            CRITERIA[key].edge_importances(Linear(), rows, places)
            for key in (name, f"{name}_first_order")
        )
        np.testing.assert_allclose(exact, -(rows["normal"] * Linear.SLOPES).sum(1), atol=1e-12)
        np.testing.assert_allclose(estimated, exact, atol=1e-12)


def test_the_operation_of_a_one_hot_edge_has_no_strength():
    found = strengths("operation_strength", np.array([0.0, 1.0, 0.0]))
    assert found[1] == 0 and found[2] > 0


def test_renormalized_rows_keep_their_sum():
    rows = take_out_renormalized(BETA)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    np.testing.assert_allclose(rows[0], [0, 2 / 3, 1 / 3])
    np.testing.assert_array_equal(take_out_renormalized(np.array([0.0, 1.0]))[1], [0, 0])


def test_perturbation_measures_the_objective():
    class Accuracy:
        def score(self, rows):
            return float(rows["normal"][0] @ [0.5, 0.1, 0.9])

    (found,) = CRITERIA["perturbation"].strengths(Accuracy(), {"normal": BETA[None]}, [PLACE])
    np.testing.assert_allclose(found, BETA * [0.5, 0.1, 0.9])


def test_the_former_name_of_what_is_measured():
    criterion = Criterion(take_out, by_accuracy=True)
    assert criterion == CRITERIA["perturbation"]
    assert dataclasses.replace(criterion, by_objective=False) == CRITERIA["removal"]


def test_with_row_changes_a_copy():
    rows = {"normal": np.zeros((2, 3)), "reduce": np.ones((2, 3))}
    changed = with_row(rows, ("normal", 1), [1, 2, 3])
    assert rows["normal"].sum() == 0 and changed["reduce"] is rows["reduce"]
    np.testing.assert_array_equal(changed["normal"], [[0, 0, 0], [1, 2, 3]])
