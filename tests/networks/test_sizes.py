import pytest

from darts_tf.networks.sizes import nearest_units


def squares(units):
    return units**2


@pytest.mark.parametrize(
    ("size", "units"), [(0, 1), (1, 1), (2, 1), (3, 2), (49, 7), (56, 7), (57, 8), (10**6, 1000)]
)
def test_the_nearest_number_of_parameters(size, units):
    assert nearest_units(squares, size) == units


def test_of_two_that_are_as_near_the_smaller():
    assert nearest_units(lambda units: 10 * units, 25) == 2


def test_limits():
    assert nearest_units(squares, 1, least=2) == 2
    assert nearest_units(squares, 10**9, most=100) == 128
