"""How a signal, or an error, ends a program: soon, whatever its threads are doing."""

import contextlib
import os
import signal
import sys
import threading

from darts_tf.common import files

#: Seconds that a program has to tidy up, from the first signal or from an error on.
GRACE = 3.0

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Stopped(BaseException):
    """A signal, raised where the program is; no `except Exception` takes it for an error.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


class _State:
    """A process's knowledge of its end.

    Attributes:
        installed: whether the signals come here.
        raises: whether the first signal is raised where the program is; before and after that it
            ends the program by itself.
        orderly: handler -> whether there is nothing to lose, of the run that ends in order.
        raised: the number of the signal that was raised.
        answered: how many signals runs that are over have ended in order for.
        said: whether the user knows of the signal.
        errors: where to say so: standard error as it was at first, because it is turned away while
            TensorFlow is imported.
    """

    installed = raises = said = False
    raised: int | None = None
    orderly: dict = {}
    answered = 0
    errors = 2


_state = _State()
# The signals that a thread, which forks, held back before.
_held = threading.local()


def install() -> None:
    """Lets SIGINT and SIGTERM end this process at once, until `raising` says otherwise.

    A signal that is ignored, as SIGINT is in the background of a shell, stays ignored. Python runs
    its handlers between its own instructions only, but a step of a network can take minutes, and
    some code swallows what is raised in it. So a thread watches too: `GRACE` seconds after the
    first signal, or at a second one, it ends the process with the code that was promised, unless
    another handler has taken the signal. A process that is forked has the signals as Python has
    them: what is sent to it would come to this process' thread.
    """
    if _state.installed:
        return
    _state.installed = True
    with contextlib.suppress(OSError):
        _state.errors = os.dup(2)
    for number in _NAMES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="stops", daemon=True).start()
    # What is sent to a process that is just being forked waits until the signals are its own.
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_forget)


def raising() -> None:
    """From now on the first signal raises `Stopped`, so that what is half done can be undone."""
    install()
    _state.raises = True


def raised() -> int | None:
    """The number of the signal that was raised in this process.

    `Stopped` may come out of a library as something else: whatever does then is no fault.
    """
    return _state.raised


def leave(code: int) -> None:
    """Ends the process with a code, without waiting for its threads or freeing what it holds.

    The interpreter is not taken down in order: threads of TensorFlow that are just about to call
    Python would wait for ever in it, or abort. And an iterator over data that an exception keeps
    alive would wait for such threads.

    Args:
        code: of the exit.
    """
    _state.raises = False
    _end_after(GRACE, code)
    _end(code)


@contextlib.contextmanager
def at_once():
    """Lets the first signal end the process where it is instead of raising `Stopped`.

    For code that takes every exception for a failure and goes on with something else.
    """
    before, _state.raises = _state.raises, False
    try:
        yield
    finally:
        _state.raises = before


@contextlib.contextmanager
def in_order(stop, nothing_to_lose=lambda: False):
    """Lets SIGINT and SIGTERM end a run in order.

    Args:
        stop: called on the first signal; it should make the run save and return soon. A second
            signal ends the program at once.
        nothing_to_lose: tells whether there is nothing to save; then the first signal, too, ends
            the program at once.

    Yields:
        A list that holds the number of the signal once there was one.
    """
    received = []

    def handle(number, frame):
        if received:
            _end(128 + number)
        if nothing_to_lose():
            _state.raised = number
            raise Stopped(number)
        received.append(number)
        _write("stopping after this step; a second signal stops at once")
        stop()

    before = {
        number: signal.signal(number, handle)
        for number in _NAMES
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    _state.orderly[handle] = nothing_to_lose
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _state.answered += len(received)
        del _state.orderly[handle]


def say(number: int) -> None:
    """Tells, once, which signal has stopped the program."""
    if not _state.said:
        _state.said = True
        _write(f"stopped by {_NAMES[number]}; every file that was written is whole")


def _handle(number, frame):
    if _state.raises:
        _state.raises, _state.raised = False, number
        raise Stopped(number)
    say(number)
    _end(128 + number)


def _hold() -> None:
    _held.before = signal.pthread_sigmask(signal.SIG_BLOCK, _NAMES)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.before)


def _forget() -> None:
    """In a process that was forked: the signals as before `install`, which may be called again."""
    signal.set_wakeup_fd(-1)
    _state.installed = _state.raises = False
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    for number, default in defaults.items():
        if signal.getsignal(number) is _handle or signal.getsignal(number) in _state.orderly:
            signal.signal(number, default)
    _release()


def _watch(reader: int) -> None:
    """Runs beside the program: ends it if it does not react to a signal."""
    seen = 0
    while data := os.read(reader, 1):
        number = data[0]
        handler = signal.getsignal(number) if number in _NAMES else None
        if handler is not _handle and handler not in _state.orderly:
            continue
        seen += 1
        # The thread may come to read of a signal when the run that it ended is over.
        new = seen - _state.answered
        if new > 1:
            say(number)
            os._exit(128 + number)
        if not new:
            continue
        if handler is _handle or _state.orderly[handler]():
            _end_after(GRACE, 128 + number, number)


def _end_after(seconds: float, code: int, number: int | None = None) -> None:
    def end():
        if number is not None:
            say(number)
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _end(code: int) -> None:
    files.remove_temporary()
    for stream in (sys.stdout, sys.stderr):
        # What reads it may be gone, or the disk full, or the stream just being written to.
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


def _write(line: str) -> None:
    """To standard error, also where the program was interrupted while it wrote to it."""
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    with contextlib.suppress(OSError):
        os.write(_state.errors, f"{line}\n".encode())
