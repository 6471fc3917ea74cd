"""Networks of the papers' sizes, of which a test only counts the weights."""

import keras
import numpy as np


def shapes_only(make):
    """What `make` returns, its variables without values: to draw these takes most of the time."""
    with keras.StatelessScope(initialize_variables=False):
        made = make()
    # Else Keras would draw them behind the next such scope.
    keras.utils.clear_session(free_memory=False)
    return made


def count(variables) -> int:
    """The number of their entries."""
    return sum(int(np.prod(v.shape)) for v in variables)
