"""Lines that libraries write past Python's logging."""

import contextlib
import os


@contextlib.contextmanager
def discarded():
    """Discards what is written to standard error meanwhile, by code in C++ too.

    For code that says what matters by raising it.
    """
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
