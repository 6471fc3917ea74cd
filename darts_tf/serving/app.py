"""The HTTP side: addresses, bodies, errors."""

import asyncio
import concurrent.futures
import functools
import json
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from darts_tf.serving import open_inference, tf_serving
from darts_tf.serving.errors import RequestError
from darts_tf.serving.model import ServedModel

MAX_BODY_BYTES = 32 * 1024 * 1024
_STATIC = Path(__file__).parent / "static"
# curl -d sends the form type unless told otherwise, and TensorFlow Serving's own examples do that.
_JSON_TYPES = ("", "application/json", "text/json", "application/x-www-form-urlencoded")
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def create_app(
    model: ServedModel, *, max_body_bytes: int = MAX_BODY_BYTES, threads: int = 2
) -> FastAPI:
    """Builds the server's ASGI application.

    Args:
        model: the model to serve.
        max_body_bytes: longer request bodies are refused with status 413.
        threads: how many requests are computed at the same time. The event loop only moves bytes,
            so that health checks are answered while TensorFlow computes. (They wait while Python
            parses a body of many megabytes, which keeps the interpreter to itself; encoded images
            make far shorter bodies than pixels do.)
    """
    # FastAPI's own documentation pages load scripts from the internet, so they are off.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="predict")
    _handle_errors(app)
    _add_tf_serving(app, model, functools.partial(_answer, pool, max_body_bytes))
    _add_open_inference(app, model, functools.partial(_answer, pool, max_body_bytes))
    _add_page(app, model)
    return app


def _add_tf_serving(app, model, answer) -> None:
    def address(path):
        return [f"/v1/models/{{name}}{path}", f"/v1/models/{{name}}/versions/{{version}}{path}"]

    async def status(request: Request):
        _check_model(model, request)
        return _json(tf_serving.status(model))

    async def metadata(request: Request):
        _check_model(model, request)
        return _json(tf_serving.metadata(model))

    async def predict(request: Request):
        _check_model(model, request)
        return await answer(request, functools.partial(tf_serving.predict, model))

    async def other_verb(request: Request):
        verb = request.path_params["verb"]
        raise RequestError(
            404, f"':{verb:.100}' is not supported; this server answers ':predict' only"
        )

    _route(app, "POST", address(":predict"), predict)
    _route(app, "POST", address(":{verb}"), other_verb)
    _route(app, "GET", address("/metadata"), metadata)
    _route(app, "GET", address(""), status)


def _add_open_inference(app, model, answer) -> None:
    def address(path):
        return [f"/v2/models/{{name}}{path}", f"/v2/models/{{name}}/versions/{{version}}{path}"]

    async def server(request: Request):
        return _json(open_inference.server_metadata())

    async def live(request: Request):
        return _json({"live": True})

    async def ready(request: Request):
        return _json({"ready": True})

    async def model_ready(request: Request):
        _check_model(model, request)
        return _json({"name": model.name, "ready": True})

    async def metadata(request: Request):
        _check_model(model, request)
        return _json(open_inference.model_metadata(model))

    async def infer(request: Request):
        _check_model(model, request)
        return await answer(request, functools.partial(open_inference.infer, model))

    _route(app, "GET", ["/v2"], server)
    _route(app, "GET", ["/v2/health/live"], live)
    _route(app, "GET", ["/v2/health/ready"], ready)
    _route(app, "GET", address("/ready"), model_ready)
    _route(app, "POST", address("/infer"), infer)
    _route(app, "GET", address(""), metadata)


def _add_page(app, model) -> None:
    async def page(request: Request):
        name = request.path_params.get("file", "index.html")
        if name not in ("index.html", "page.css", "page.js"):
            raise HTTPException(404)
        return FileResponse(_STATIC / name, headers=_PAGE_HEADERS)

    async def about(request: Request):
        return _json(
            {
                "name": model.name,
                "version": model.version,
                "image_shape": model.image_shape,
                "class_names": model.class_names,
                "genotype": model.genotype,
            }
        )

    _route(app, "GET", ["/", "/static/{file}"], page)
    _route(app, "GET", ["/about.json"], about)


def _route(app, method, paths, function) -> None:
    for path in paths:
        app.add_route(path, function, methods=[method])


async def _answer(pool, max_body_bytes, request, respond) -> Response:
    """Reads the body, then parses and answers it in the pool."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _JSON_TYPES:
        raise RequestError(
            415, f"the content type is {content_type!r:.100}; expected application/json"
        )
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise RequestError(
            415, f"the content encoding is {encoding!r:.100}; send the request uncompressed"
        )
    body = await _read(request, max_body_bytes)
    work = functools.partial(_respond, respond, body)
    return await asyncio.get_running_loop().run_in_executor(pool, work)


async def _read(request, limit) -> bytes:
    refusal = RequestError(
        413, f"the request is longer than {limit:,} bytes; send fewer or smaller images at a time"
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > limit:
        raise refusal
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise refusal
        chunks.append(chunk)
    return b"".join(chunks)


def _respond(respond, body: bytes) -> Response:
    try:
        return _json(respond(_parse(body)))
    except RecursionError as error:
        raise RequestError(400, "the request's lists are nested far too deep") from error


def _parse(body: bytes):
    if not body.strip():
        raise RequestError(400, "the request is empty; expected a JSON object")
    try:
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise RequestError(400, "the request is not UTF-8 text; expected JSON") from error
    except ValueError as error:
        raise RequestError(400, f"the request is not valid JSON: {error}") from error


def _check_model(model, request) -> None:
    name = request.path_params["name"]
    if name != model.name:
        raise RequestError(404, f"there is no model {name!r:.100}; this server has {model.name!r}")
    version = request.path_params.get("version", str(model.version))
    if version != str(model.version):
        raise RequestError(
            404,
            f"there is no version {version!r:.100} of {name!r}; "
            f"this server has version {model.version}",
        )


def _json(content, status: int = 200) -> Response:
    # NaN is written as it is, which TensorFlow Serving does too. Everything beyond ASCII is
    # escaped, so that any text a client sent can be echoed.
    return Response(json.dumps(content), status, media_type="application/json")


def _handle_errors(app) -> None:
    async def bad_request(request, error):
        return _json({"error": error.reason}, error.status)

    async def http_error(request, error):
        path = request.url.path
        reasons = {
            404: f"there is nothing at {path!r:.200}",
            405: f"{request.method:.20} is not allowed at {path!r:.200}",
        }
        response = _json(
            {"error": reasons.get(error.status_code, str(error.detail))}, error.status_code
        )
        response.headers.update(error.headers or {})
        return response

    async def gone(request, error):
        return _json({"error": "the connection was closed before the request was whole"}, 400)

    async def failure(request, error):
        return _json({"error": "the server failed; its log says why"}, 500)

    app.add_exception_handler(RequestError, bad_request)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, failure)
