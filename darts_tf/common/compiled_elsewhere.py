"""A scope in which what is traced will run on another machine's accelerator."""

import contextlib
import contextvars

import tensorflow as tf

_elsewhere = contextvars.ContextVar("compiled_elsewhere", default=False)


@contextlib.contextmanager
def compiled_elsewhere():
    """A scope in which layers choose what an accelerator wants, though there is none here."""
    token = _elsewhere.set(True)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def on_cpu() -> bool:
    """Whether what is traced now will run on a CPU."""
    return not _elsewhere.get() and not tf.config.list_logical_devices("GPU")
