"""Scopes that say which gradients of a pass nobody wants, such as an architecture step's."""

import contextlib
import contextvars

_constant_weights = contextvars.ContextVar("constant_weights", default=False)
_constant_architecture = contextvars.ContextVar("constant_architecture", default=False)


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


@contextlib.contextmanager
def constant_architecture(constant: bool = True):
    """A scope in which no gradients in the architecture are wanted, of any order.

    A hint, as above: a pass that is differentiated in the weights, and that nothing differentiates
    a second time.
    """
    token = _constant_architecture.set(constant)
    try:
        yield
    finally:
        _constant_architecture.reset(token)


def architecture_is_constant() -> bool:
    """Whether this is a scope of `constant_architecture`."""
    return _constant_architecture.get()
