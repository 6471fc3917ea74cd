"""uvicorn, with limits to what connections may take and a stop in time."""

import asyncio
import dataclasses
import errno
import functools
import logging
import resource
import socket
import time
from collections.abc import Callable, Sequence

import uvicorn

from darts_tf.serving.connections import Connection, Crowd
from darts_tf.serving.limits import Limits

# asyncio accepts so many connections at once, and more, up to about five times as many, before it
# looks at the first one or has closed another for it.
_ACCEPTED = 16
# Descriptors for those, and for everything that is no connection.
_OTHER_DESCRIPTORS = 5 * _ACCEPTED + 64
_DESCRIPTORS = 4096
# So many more wait in the kernel.
_BACKLOG = 1024
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# What a client did wrong, which it is told itself.
_NO_NEWS = ("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket")


class Server(uvicorn.Server):
    """Serves an application until a signal stops it.

    Args:
        app: what `darts_tf.serving.app.create_app` returns.
        limits: the limits of connections and of the time that a stop takes.
        log_requests: whether each request is logged.
        companions: what runs beside it, in the same event loop: objects with the asynchronous
            methods `start()` and `stop(seconds)`, of which the second lets requests go on so long.
        on_start: is called when all of them have started.
    """

    def __init__(
        self,
        app,
        limits: Limits,
        log_requests: bool = False,
        companions: Sequence = (),
        on_start: Callable[[], None] = lambda: None,
    ):
        self._crowd = Crowd(_fit_descriptors(limits))
        super().__init__(
            uvicorn.Config(
                app,
                http=functools.partial(Connection, crowd=self._crowd),
                ws="none",
                lifespan="off",
                log_level="info" if log_requests else "warning",
                backlog=_ACCEPTED,
                timeout_graceful_shutdown=5,
            )
        )
        self._companions, self._on_start = companions, on_start
        self._work = app.state.work
        self._stop_seconds = limits.stop_seconds
        if not log_requests:
            logging.getLogger("uvicorn.error").addFilter(_is_news)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to serve (uvicorn calls this)."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(_BACKLOG)
        asyncio.get_running_loop().set_exception_handler(self._log)
        for companion in self._companions:
            await companion.start()
        self._on_start()

    def _log(self, loop, context) -> None:
        # asyncio logs a trace for each connection that it cannot accept, and tries again at once.
        if getattr(context.get("exception"), "errno", None) in _NO_DESCRIPTORS:
            self._crowd.warn("the system allows no more open files or memory: connections wait")
        else:
            loop.default_exception_handler(context)

    async def on_tick(self, counter: int) -> bool:
        """Does what is to be done ten times a second (uvicorn calls this)."""
        now = time.monotonic()
        for connection in list(self.server_state.connections):
            if connection.is_overdue(now):
                connection.end()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets requests end, for `stop_seconds`; then tells their clients why they do not."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._stop_seconds, self._work.stop)
        loop.call_later(self._stop_seconds + 0.5, self._end_connections)
        # What the work has given up is answered before the end.
        stops = [companion.stop(self._stop_seconds + 0.5) for companion in self._companions]
        await asyncio.gather(super().shutdown(sockets), *stops)

    def _end_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.end()


def _fit_descriptors(limits: Limits) -> Limits:
    """The limits with as many connections as this process may have files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinity = resource.RLIM_INFINITY
    wanted = _DESCRIPTORS if hard == infinity else min(_DESCRIPTORS, hard)
    if soft != infinity and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    room = limits.connections if soft == infinity else max(soft - _OTHER_DESCRIPTORS, 8)
    return dataclasses.replace(limits, connections=min(limits.connections, room))


def _is_news(record) -> bool:
    return not record.getMessage().startswith(_NO_NEWS)
