"""From a request's bytes to arrays, and from arrays to an answer's bytes.

Without TensorFlow, so that a process which does only this starts at once.
"""

import gc
import json
import signal

from darts_tf.serving.calls import Answer
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Interface, Query


def read(protocol, interface: Interface, body: bytes) -> Query:
    """Reads a request in JSON.

    Args:
        protocol: a function that makes a query of the interface and JSON values.
        interface: the model's interface.
        body: JSON.

    Raises:
        RequestError: the request is wrong.
    """
    return protocol(interface, parse(body))


def write(protocol, interface: Interface, form, outputs) -> Answer:
    """The answer to a request, as JSON.

    Args:
        protocol: a function that makes JSON values of the other arguments.
        interface: the model's interface.
        form: the query's.
        outputs: one array `[B, ...]` for each output.
    """
    return Answer(to_bytes(protocol(interface, form, outputs)))


def alone(function, *args):
    """Calls `function` as a process does that is there for this only."""
    # Ctrl-C reaches all processes of a terminal; the server decides what is finished still.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # JSON has no cycles, and looking for them in ten million lists takes longer than parsing.
    gc.disable()
    return function(*args)


def to_bytes(content) -> bytes:
    """JSON-ready values as JSON.

    NaN is written as it is, which TensorFlow Serving does too. Everything beyond ASCII is escaped,
    so that any text a client sent can be echoed.
    """
    return json.dumps(content).encode()


def parse(body: bytes):
    """The values of JSON.

    Raises:
        RequestError: it is none.
    """
    if not body.strip():
        raise RequestError(400, "the request is empty; expected a JSON object")
    try:
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise RequestError(400, "the request is not UTF-8 text; expected JSON") from error
    except ValueError as error:
        raise RequestError(400, f"the request is not valid JSON: {error}") from error
    except RecursionError as error:
        raise RequestError(400, "the request's lists are nested far too deep") from error
