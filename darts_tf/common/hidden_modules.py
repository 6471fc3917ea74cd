"""Packages that others import if they are there, although nobody needs them."""

import contextlib
import sys


@contextlib.contextmanager
def hidden(name: str):
    """A scope in which a package cannot be imported, unless it has been imported already.

    Args:
        name: of the package.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None
    try:
        yield
    finally:
        del sys.modules[name]
