"""Connections that end: of clients that send nothing, half a request, or read no answer."""

import http
import json
import logging
import socket
import struct
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from darts_tf.serving.limits import Limits

_LOG_SECONDS = 60


class Crowd:
    """The state that the connections of one server share.

    Args:
        limits: the limits.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self._log_next = -float("inf")

    def warn(self, reason: str) -> None:
        """Logs, once a minute, why connections are not served."""
        now = time.monotonic()
        if now >= self._log_next:
            self._log_next = now + _LOG_SECONDS
            logging.getLogger("uvicorn.error").warning(reason)


class Connection(H11Protocol):
    """uvicorn's protocol, which alone lets a client take as long as it likes.

    What this adds: `is_overdue`, for a server to ask about once a second; no more connections than
    `limits.connections`; and JSON for the one error that no application sees. (How slowly a body
    may arrive is in `darts_tf.serving.bodies`.)

    Args:
        crowd: what all connections of the server share.
        **arguments: uvicorn's.
    """

    def __init__(self, *, crowd: Crowd, **arguments):
        super().__init__(**arguments)
        self._crowd = crowd
        # Since when the client has been expected to send (the rest of) a request.
        self._idle_since = time.monotonic()
        # The bytes that it had not read yet, and since when.
        self._unread: tuple[int, float] | None = None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        # asyncio does so for sockets that say that they are of TCP, and accepted ones don't. The
        # second part of an answer would wait until the client confirms the first, for 40 ms.
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) <= self._crowd.limits.connections:
            return
        self._crowd.warn(
            f"{self._crowd.limits.connections} connections are open, and there may be no more: for "
            "each new one the longest idle one is closed"
        )
        idle = [other for other in self.connections if other is not self and other.is_idle()]
        if idle:
            min(idle, key=lambda other: other._idle_since).end()
        else:
            self._answer(503, "the server has too many connections; ask again later")

    def on_response_complete(self) -> None:
        self._idle_since = time.monotonic()
        super().on_response_complete()

    def is_idle(self) -> bool:
        """Whether the server waits for a request of the client."""
        busy = self.cycle is not None and not self.cycle.response_complete
        return not busy and not self.transport.is_closing()

    def is_overdue(self, now: float) -> bool:
        """Whether the client has been waited for for too long.

        Args:
            now: `time.monotonic()`.
        """
        limits = self._crowd.limits
        unread = self.transport.get_write_buffer_size()
        if unread:
            if self._unread is None or unread > self._unread[0]:
                self._unread = (unread, now)
            most, since = self._unread
            return now - since > limits.patience_seconds + (most - unread) / limits.bytes_per_second
        self._unread = None
        busy = self.cycle is not None and not self.cycle.response_complete
        return not busy and now - self._idle_since > limits.patience_seconds

    def end(self) -> None:
        """Closes the connection. What the client has not read yet is lost."""
        if self.transport.get_write_buffer_size():
            # The kernel would keep it and try on, for minutes.
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP (uvicorn calls this)."""
        self._answer(400, msg)

    def _answer(self, status: int, reason: str) -> None:
        body = json.dumps({"error": reason}).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        for event in (
            h11.Response(
                status_code=status, headers=headers, reason=http.HTTPStatus(status).phrase
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()
