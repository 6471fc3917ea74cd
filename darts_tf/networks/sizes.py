"""How large a network has to be for a number of parameters."""

import functools
from collections.abc import Callable


def nearest_units(
    parameters_of: Callable[[int], int], size: int, least: int = 1, most: int = 2**16
) -> int:
    """The units with which a network has the number of parameters nearest to a given one.

    Args:
        parameters_of: units -> the number of parameters, which grows with them.
        size: number of parameters.
        least: units.
        most: where it is no longer looked for larger networks.

    Returns:
        Of two that are as near the smaller one.
    """
    # Each time a network is built.
    parameters_of = functools.cache(parameters_of)
    low, high = least, 2 * least
    while parameters_of(high) < size and high < most:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters_of(middle) < size else (low, middle)
    return min(low, high, key=lambda units: abs(parameters_of(units) - size))
