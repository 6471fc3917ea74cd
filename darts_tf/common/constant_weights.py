"""A scope whose forward passes are not differentiated in the weights, as an architecture step's."""

import contextlib
import contextvars

_constant_weights = contextvars.ContextVar("constant_weights", default=False)


@contextlib.contextmanager
def constant_weights(constant: bool = True):
    """A scope in which neither gradients in the weights nor moved statistics are wanted.

    A hint: a loss or a layer may leave out what only they need.
    """
    token = _constant_weights.set(constant)
    try:
        yield
    finally:
        _constant_weights.reset(token)


def weights_are_constant() -> bool:
    """Whether this is a scope of `constant_weights`."""
    return _constant_weights.get()
