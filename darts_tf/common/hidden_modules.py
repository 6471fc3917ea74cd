"""Packages that others import if they are there, although nobody needs them."""

import contextlib
import sys


@contextlib.contextmanager
def hidden(*names: str):
    """A scope in which packages cannot be imported, unless they have been imported already.

    Args:
        *names: of the packages.
    """
    hide = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hide))
    try:
        yield
    finally:
        for name in hide:
            del sys.modules[name]
