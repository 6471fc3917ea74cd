"""A request on its way, whatever protocol and connection it comes by."""

import dataclasses
from collections.abc import Awaitable, Callable

import numpy as np

from darts_tf.serving.interface import Interface, Query


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes:
        content: the body or message.
        headers: of an answer over HTTP.
        content_type: likewise.
    """

    content: bytes
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    content_type: str = "application/json"


@dataclasses.dataclass(frozen=True)
class Call:
    """What the work needs to know of a request.

    Attributes:
        receive: returns its body; takes an asynchronous function that returns when there is memory
            for a long one.
        read: makes a query of the model's interface and the body.
        write: makes the answer of the interface, the query's `form` and its outputs.
        has_left: whether the client is gone.
        check: raises `RequestError` if the model's interface is not what was asked for.
        json_bytes: how many bytes of a body of a length are JSON. Python parses those slowly and
            keeps the interpreter to itself, so that large ones are read in another process.
        unpack: undoes the compression of the body; None where there is none.
    """

    receive: Callable[[Callable[[], Awaitable]], Awaitable[bytes]]
    read: Callable[[Interface, bytes], Query]
    write: Callable[[Interface, object, dict[str, np.ndarray]], Answer]
    has_left: Callable[[], Awaitable[bool]]
    check: Callable[[Interface], None] = lambda interface: None
    json_bytes: Callable[[int], int] = lambda length: length
    unpack: Callable[[bytes], bytes] | None = None
