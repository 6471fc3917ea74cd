"""How programs end; each case is a small program without TensorFlow."""

import signal
import subprocess
import sys
import time

import pytest

from tests.forks import REPOSITORY

SOURCE = """
import hashlib, os, signal, sys, threading, time
# Where the tests run in the background, SIGINT is ignored from the start.
signal.signal(signal.SIGINT, signal.default_int_handler)
from darts_tf.common.errors import UserError
from train import program, stops

GRACE = stops.GRACE
stops.GRACE = 0.3

def ready():
    print("ready", flush=True)

def work():
    # Outside of the interpreter, as a step of a network.
    threading.Timer(0.3, ready).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)

class Iterator:
    def __del__(self):
        time.sleep(60)

def early():
    stops.install()
    # As while TensorFlow is imported.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    ready()
    time.sleep(60)

def step():
    work()

def swallowed():
    stops.raising()
    try:
        ready()
        time.sleep(60)
    except BaseException:
        time.sleep(60)

def at_once():
    try:
        with stops.at_once():
            ready()
            time.sleep(60)
    except BaseException:
        print("a failed trial")

def another():
    stops.raising()
    try:
        ready()
        time.sleep(60)
    except BaseException:
        raise AssertionError("nesting violated")

def undone():
    stops.raising()
    try:
        ready()
        time.sleep(60)
    finally:
        print("undone")

def iterator_at_a_signal():
    stops.raising()
    iterator = Iterator()
    ready()
    time.sleep(60)

def iterator_at_an_error():
    iterator = Iterator()
    ready()
    raise UserError("the disk is full")

def full():
    ready()
    raise OSError(28, "full", "RUN/file")

def in_order():
    stopped = []
    with program.stopping(lambda: stopped.append(True)) as signals:
        ready()
        while not stopped:
            time.sleep(0.01)
    sys.exit(128 + signals[0])

def twice():
    with program.stopping(lambda: None):
        work()

def forked():
    stops.raising()
    ends = set()
    for _ in range(50):
        child = os.fork()
        if not child:
            time.sleep(1)
            os._exit(1)
        # At once, while the other process is perhaps still being made.
        os.kill(child, signal.SIGTERM)
        ends.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(*ends)
    time.sleep(3 * stops.GRACE)
    ready()

def one_run_after_the_other():
    stops.raising()
    # So that the thread which watches comes late.
    sys.setswitchinterval(0.2)
    for _ in range(2):
        with program.stopping(lambda: None) as signals:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(3 * stops.GRACE)
    ready()

def nothing_to_lose():
    with program.stopping(lambda: None, lambda: True):
        work()

what = globals()[sys.argv.pop()]
early() if what is early else program.run(what)
"""


def end(what, number=None, signals=1, first="ready\n"):
    """Starts a program and signals it; returns its exit code, its output and its errors."""
    process = subprocess.Popen(
        [sys.executable, "-c", SOURCE, what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert process.stdout.readline() == first
    started = time.monotonic()
    for _ in range(signals if number else 0):
        process.send_signal(number)
        time.sleep(0.1)
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - started < 20
    return process.returncode, out, errors


SAID = {
    signal.SIGINT: "stopped by Ctrl-C; every file that was written is whole\n",
    signal.SIGTERM: "stopped by SIGTERM; every file that was written is whole\n",
}


@pytest.mark.parametrize("number", SAID)
@pytest.mark.parametrize(
    "what", ["early", "step", "swallowed", "another", "at_once", "iterator_at_a_signal"]
)
def test_a_signal(what, number):
    assert end(what, number) == (128 + number, "", SAID[number])


def test_what_is_half_done_is_undone():
    assert end("undone", signal.SIGTERM) == (143, "undone\n", SAID[signal.SIGTERM])


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("iterator_at_an_error", "the disk is full"),
        ("full", "cannot write RUN/file: No space left on device"),
    ],
)
def test_an_error(what, message):
    assert end(what) == (2, "", f"error: {message}\n")


IN_ORDER = "stopping after this step; a second signal stops at once\n"


@pytest.mark.parametrize("number", SAID)
def test_in_order(number):
    assert end("in_order", number) == (128 + number, "", IN_ORDER)


def test_a_second_signal_in_a_long_step():
    """Python's own handler is called once for both, and only after the step."""
    code, _, errors = end("twice", signal.SIGINT, signals=2)
    assert (code, errors) == (130, SAID[signal.SIGINT])


def test_nothing_to_lose():
    assert end("nothing_to_lose", signal.SIGTERM) == (143, "", SAID[signal.SIGTERM])


def test_a_signal_of_a_forked_process_is_not_this_process_own():
    assert end("forked", first="-15\n") == (0, "ready\n", "")


def test_the_signal_that_ended_a_run_does_not_end_the_next():
    assert end("one_run_after_the_other") == (0, "", 2 * IN_ORDER)
