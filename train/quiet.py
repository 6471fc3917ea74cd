"""Imports TensorFlow without its start-up lines.

They are written past every logging setting before TensorFlow reads one, and say things such as
"failed call to cuInit" on each machine without a GPU. A failing import still raises.
"""

import contextlib
import os


@contextlib.contextmanager
def _standard_error_discarded():
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


with _standard_error_discarded():
    import tensorflow as tf

    tf.config.list_physical_devices()
