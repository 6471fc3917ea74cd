"""The services of both protocols over gRPC, in the process and event loop of the HTTP server."""

import asyncio
import contextlib
import functools

import grpc

from darts_tf.common.errors import UserError
from darts_tf.serving import open_inference, open_inference_grpc, tf_serving_grpc
from darts_tf.serving import open_inference_pb2 as messages
from darts_tf.serving.calls import Call
from darts_tf.serving.errors import RequestError
from darts_tf.serving.limits import Limits
from darts_tf.serving.metrics import Metrics
from darts_tf.serving.models import Models
from darts_tf.serving.open_inference_grpc import parse
from darts_tf.serving.work import Work

#: What HTTP's status is called here; all others are INTERNAL.
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
# Messages that arrive at the same time; further ones wait, half-way, in the clients.
_ARRIVING = 64
_IDLE_MS = 300_000
# How many times as long as over HTTP, where it is seen whether a body goes on arriving.
_PATIENCE = 3


class GrpcServer:
    """Answers gRPC until it is stopped.

    Every method gets its request's bytes as a stream of one, so that it is the server that decides
    when a long one is taken from the network.

    Args:
        models: the model.
        work: answers predictions.
        limits: the limits of a request.
        metrics: counts requests.
        host, port: where to listen; port 0 is any free one.

    Attributes:
        address: `HOST:PORT`, once it has started.
    """

    def __init__(self, models: Models, work: Work, limits: Limits, metrics: Metrics, host, port):
        self._models, self._work = models, work
        self._limits, self._metrics = limits, metrics
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._server: grpc.aio.Server | None = None
        self._waiting_bytes = 0

    async def start(self) -> None:
        """Begins to listen.

        Raises:
            UserError: it cannot listen there.
        """
        self._arriving = asyncio.Semaphore(_ARRIVING)
        self._server = grpc.aio.server(
            handlers=self._handlers(),
            options=(
                # Two servers at one port would each get some of the requests.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", self._limits.body_bytes),
                ("grpc.max_send_message_length", -1),
                # Connections have descriptors, and clients make new ones when they need them.
                ("grpc.max_connection_idle_ms", _IDLE_MS),
                # Of clients that are gone without a word.
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.keepalive_timeout_ms", int(self._limits.patience_seconds * 1000)),
            ),
            maximum_concurrent_rpcs=self._limits.connections,
        )
        try:
            port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise UserError(
                f"cannot listen at {self.address} for gRPC; stop the program that uses it, or "
                "choose another --grpc_port"
            ) from error
        self.address = f"{self.address.rpartition(':')[0]}:{port}"
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Takes no more requests, and ends those that take longer than some seconds."""
        if self._server is not None:
            await self._server.stop(seconds)

    def _handlers(self):
        oip = functools.partial(self._method, "open_inference_grpc")
        tfs = functools.partial(self._method, "tf_serving_grpc")
        inference = {
            "ServerLive": oip("server_live", self._quick(_live)),
            "ServerReady": oip("server_ready", self._quick(_ready)),
            "ModelReady": oip("model_ready", self._quick(_model_ready)),
            "ServerMetadata": oip("server_metadata", self._quick(_server_metadata)),
            "ModelMetadata": oip("model_metadata", self._quick(_model_metadata)),
            "ModelInfer": oip("infer", self._slow(open_inference_grpc)),
        }
        prediction = {
            "Predict": tfs("predict", self._slow(tf_serving_grpc)),
            "GetModelMetadata": tfs("metadata", self._quick(tf_serving_grpc.metadata)),
        }
        status = {"GetModelStatus": tfs("status", self._quick(tf_serving_grpc.status))}
        services = {
            "inference.GRPCInferenceService": inference,
            "tensorflow.serving.PredictionService": prediction,
            "tensorflow.serving.ModelService": status,
        }
        return [
            grpc.method_handlers_generic_handler(name, methods)
            for name, methods in services.items()
        ]

    def _method(self, protocol: str, verb: str, answer):
        """A method that answers with what `answer` makes of a request's stream and context."""

        async def counted(stream, context) -> bytes:
            with self._metrics.request(protocol, verb) as note:
                try:
                    content = await answer(stream, context)
                except RequestError as error:
                    code = CODES.get(error.status, grpc.StatusCode.INTERNAL)
                    note(code.name)
                    await context.abort(code, error.reason)
                except Exception:
                    note("INTERNAL")
                    raise
                note("OK")
                return content

        return grpc.stream_unary_rpc_method_handler(counted)

    def _quick(self, function):
        """Answers at once by a function of the model and the request's bytes."""

        async def answer(stream, context):
            content = await self._receive(stream)
            return function(self._models.current, content)

        return answer

    def _slow(self, protocol):
        """Answers by the work, with a module's `read` and `write`."""

        async def answer(stream, context):
            async def receive(make_room):
                content = await self._receive(stream)
                if len(content) > self._limits.small_bytes:
                    with self._waiting(len(content)):
                        await make_room()
                return content

            async def has_left():
                return context.cancelled() or context.done()

            call = Call(receive, protocol.read, protocol.write, has_left, json_bytes=lambda _: 0)
            return (await self._work.answer(call)).content

        return answer

    @contextlib.contextmanager
    def _waiting(self, size: int):
        """A context in which a long message is in memory and waits for its turn."""
        if self._waiting_bytes + size > self._limits.large_bodies * self._limits.body_bytes:
            raise RequestError(
                503,
                f"the server is busy: {self._waiting_bytes:,} bytes of long requests wait already; "
                "ask again later",
            )
        self._waiting_bytes += size
        try:
            yield
        finally:
            self._waiting_bytes -= size

    async def _receive(self, stream) -> bytes:
        limits = self._limits
        try:
            async with asyncio.timeout(limits.wait_seconds):
                await self._arriving.acquire()
        except TimeoutError as error:
            raise RequestError(
                503, f"the server is busy: others have waited for {limits.wait_seconds:g} s or more"
            ) from error
        try:
            async with asyncio.timeout(_PATIENCE * limits.patience_seconds):
                async for content in stream:
                    return content
        except TimeoutError as error:
            raise RequestError(
                408,
                "the request arrives too slowly: it is not whole after "
                f"{_PATIENCE * limits.patience_seconds:g} s",
            ) from error
        finally:
            self._arriving.release()
        raise RequestError(400, "there is no message in the request")


def _live(model, content):
    return messages.ServerLiveResponse(live=True).SerializeToString()


def _ready(model, content):
    return messages.ServerReadyResponse(ready=True).SerializeToString()


def _model_ready(model, content):
    request = parse(messages.ModelReadyRequest, content)
    try:
        model.interface.check_name(request.name, request.version)
    except RequestError:
        # Clients expect an answer here, not an error.
        return messages.ModelReadyResponse(ready=False).SerializeToString()
    return messages.ModelReadyResponse(ready=True).SerializeToString()


def _server_metadata(model, content):
    return messages.ServerMetadataResponse(**open_inference.server_metadata()).SerializeToString()


def _model_metadata(model, content):
    request = parse(messages.ModelMetadataRequest, content)
    model.interface.check_name(request.name, request.version)
    described = open_inference.model_metadata(model.interface)
    return messages.ModelMetadataResponse(**described).SerializeToString()
