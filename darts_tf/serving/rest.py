"""Both protocols over HTTP: their addresses, headers and answers."""

import functools

from fastapi import FastAPI, Request, Response

from darts_tf.serving import bodies, messages, open_inference, open_inference_rest, tf_serving
from darts_tf.serving.calls import Call
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Interface
from darts_tf.serving.limits import Limits
from darts_tf.serving.metrics import Metrics
from darts_tf.serving.models import Models
from darts_tf.serving.work import Work

# curl -d sends the form type unless told otherwise, and TensorFlow Serving's own examples do that.
_JSON_TYPES = ("", "application/json", "text/json", "application/x-www-form-urlencoded")
# With the header that says where the JSON ends.
_BINARY_TYPES = (*_JSON_TYPES, "application/octet-stream")


class Rest:
    """Adds the protocols to an application.

    Args:
        app: the application.
        models: the model.
        work: answers predictions.
        limits: the limits of a request.
        metrics: counts requests.
    """

    def __init__(self, app: FastAPI, models: Models, work: Work, limits: Limits, metrics: Metrics):
        self._app, self._models, self._work = app, models, work
        self._limits, self._metrics = limits, metrics
        self._add_tf_serving()
        self._add_open_inference()

    def add(self, protocol: str, verb: str, method: str, paths, function) -> None:
        """Answers at some addresses by a function of the request.

        Args:
            protocol, verb: as the metrics name them.
            method: GET or POST.
            paths: the addresses.
            function: asynchronous; returns the response.
        """

        async def counted(request: Request) -> Response:
            with self._metrics.request(protocol, verb) as note:
                try:
                    response = await function(request)
                except RequestError as error:
                    note(error.status)
                    raise
                except Exception:
                    note(500)
                    raise
                note(response.status_code)
                return response

        for path in paths:
            self._app.add_route(path, counted, methods=[method])

    def _add_tf_serving(self) -> None:
        def address(path):
            return [f"/v1/models/{{name}}{path}", f"/v1/models/{{name}}/versions/{{version}}{path}"]

        async def status(request: Request):
            return json_response(tf_serving.status(self._model(request).interface))

        async def metadata(request: Request):
            model = self._model(request)
            return json_response(tf_serving.metadata(model.interface, model.signature_def))

        async def predict(request: Request):
            _content_type(request, _JSON_TYPES)
            read = functools.partial(messages.read, tf_serving.read)
            write = functools.partial(messages.write, tf_serving.write)
            return await self._answer(request, read, write)

        async def other_verb(request: Request):
            verb = request.path_params["verb"]
            raise RequestError(
                404, f"':{verb:.100}' is not supported; this server answers ':predict' only"
            )

        add = functools.partial(self.add, "tf_serving_rest")
        add("predict", "POST", address(":predict"), predict)
        add("other", "POST", address(":{verb}"), other_verb)
        add("metadata", "GET", address("/metadata"), metadata)
        add("status", "GET", address(""), status)

    def _add_open_inference(self) -> None:
        def address(path):
            return [f"/v2/models/{{name}}{path}", f"/v2/models/{{name}}/versions/{{version}}{path}"]

        async def server(request: Request):
            return json_response(open_inference.server_metadata())

        async def live(request: Request):
            return json_response({"live": True})

        async def ready(request: Request):
            return json_response({"ready": True})

        async def model_ready(request: Request):
            return json_response({"name": self._model(request).name, "ready": True})

        async def metadata(request: Request):
            return json_response(open_inference.model_metadata(self._model(request).interface))

        async def infer(request: Request):
            length = open_inference_rest.json_length(request.headers)
            _content_type(request, _JSON_TYPES if length is None else _BINARY_TYPES)
            read = functools.partial(open_inference_rest.read, length)
            return await self._answer(request, read, open_inference_rest.write, length)

        add = functools.partial(self.add, "open_inference_rest")
        add("server_metadata", "GET", ["/v2"], server)
        add("server_live", "GET", ["/v2/health/live"], live)
        add("server_ready", "GET", ["/v2/health/ready"], ready)
        add("model_ready", "GET", address("/ready"), model_ready)
        add("infer", "POST", address("/infer"), infer)
        add("model_metadata", "GET", address(""), metadata)

    def _model(self, request: Request):
        """The model, if it is the one that the address names."""
        model = self._models.current
        _check_model(request.path_params, model.interface)
        return model

    async def _answer(self, request, read, write, json_length: int | None = None) -> Response:
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", *bodies.ENCODINGS):
            raise RequestError(
                415,
                f"the content encoding is {encoding!r:.100}; send the request uncompressed, or by "
                + " or ".join(bodies.ENCODINGS),
            )
        unpack = functools.partial(bodies.unpack, self._limits, encoding)
        call = Call(
            receive=functools.partial(bodies.read, request, self._limits),
            read=read,
            write=write,
            has_left=request.is_disconnected,
            check=functools.partial(_check_model, request.path_params),
            json_bytes=lambda length: length if json_length is None else min(json_length, length),
            unpack=None if encoding == "identity" else unpack,
        )
        answer = await self._work.answer(call)
        return Response(answer.content, headers=answer.headers, media_type=answer.content_type)


def json_response(content, status: int = 200, headers=None) -> Response:
    """JSON-ready values as an answer."""
    return Response(messages.to_bytes(content), status, headers, media_type="application/json")


def _content_type(request: Request, expected) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in expected:
        hint = ""
        if content_type in _BINARY_TYPES:
            hint = f", or the header {open_inference_rest.LENGTH_HEADER} with binary tensors"
        raise RequestError(
            415, f"the content type is {content_type!r:.100}; expected application/json{hint}"
        )


def _check_model(asked: dict, model: Interface) -> None:
    model.check_name(asked["name"], asked.get("version", ""))
