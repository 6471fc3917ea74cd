"""A gRPC server in a thread, for tests."""

import asyncio
import contextlib
import threading

from darts_tf.serving.grpc_server import GrpcServer
from darts_tf.serving.limits import Limits
from darts_tf.serving.metrics import Metrics
from darts_tf.serving.models import Models
from darts_tf.serving.work import Work


@contextlib.contextmanager
def running(models: Models, **limits):
    """Gives a server that listens on a free port of this machine, and a function that calls
    another one in its event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call(function, *args):
        async def called():
            found = function(*args)
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(called(), loop).result(30)

    def make():
        found, counted = Limits(**limits), Metrics()
        work = Work(models, found, counted.batch)
        return GrpcServer(models, work, found, counted, "127.0.0.1", 0), work, counted

    server, server.work, server.metrics = call(make)
    try:
        call(server.start)
        yield server, call
    finally:
        call(server.stop, 1)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
