"""The HTTP side: addresses, bodies, errors."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from darts_tf.serving import messages, open_inference, tf_serving
from darts_tf.serving.errors import RequestError
from darts_tf.serving.limits import Limits
from darts_tf.serving.loaded_model import LoadedModel
from darts_tf.serving.work import Work

_STATIC = Path(__file__).parent / "static"
_FILES = (
    *("index.html", "text.html", "forecast.html", "page.css"),
    *("page.js", "text.js", "forecast.js", "common.js"),
)
# curl -d sends the form type unless told otherwise, and TensorFlow Serving's own examples do that.
_JSON_TYPES = ("", "application/json", "text/json", "application/x-www-form-urlencoded")
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def create_app(
    model: LoadedModel, limits: Limits | None = None, origins: Sequence[str] = ()
) -> FastAPI:
    """Builds the server's ASGI application.

    Args:
        model: the model to serve.
        limits: how much one request may ask; None for the defaults.
        origins: of other pages that browsers let ask this server (CORS), such as
            "https://example.org"; "*" for all. None by default: only the server's own page.

    Returns:
        The application. Its `state.work` is the `Work`, whose `stop` ends all requests.
    """
    # FastAPI's own documentation pages load scripts from the internet, so they are off.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.work = Work(model, limits or Limits())
    if origins:
        # No cookies are sent along, because there are none.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
            max_age=600,
        )
    _handle_errors(app)
    _add_tf_serving(app, model)
    _add_open_inference(app, model)
    _add_page(app, model)
    return app


def _add_tf_serving(app, model) -> None:
    def address(path):
        return [f"/v1/models/{{name}}{path}", f"/v1/models/{{name}}/versions/{{version}}{path}"]

    async def status(request: Request):
        _check_model(model, request)
        return _json(tf_serving.status(model))

    async def metadata(request: Request):
        _check_model(model, request)
        return _json(tf_serving.metadata(model, model.signature_def))

    async def predict(request: Request):
        _check_model(model, request)
        return await _answer(request, tf_serving)

    async def other_verb(request: Request):
        verb = request.path_params["verb"]
        raise RequestError(
            404, f"':{verb:.100}' is not supported; this server answers ':predict' only"
        )

    _route(app, "POST", address(":predict"), predict)
    _route(app, "POST", address(":{verb}"), other_verb)
    _route(app, "GET", address("/metadata"), metadata)
    _route(app, "GET", address(""), status)


def _add_open_inference(app, model) -> None:
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
        return _json(open_inference.model_metadata(model.interface))

    async def infer(request: Request):
        _check_model(model, request)
        return await _answer(request, open_inference)

    _route(app, "GET", ["/v2"], server)
    _route(app, "GET", ["/v2/health/live"], live)
    _route(app, "GET", ["/v2/health/ready"], ready)
    _route(app, "GET", address("/ready"), model_ready)
    _route(app, "POST", address("/infer"), infer)
    _route(app, "GET", address(""), metadata)


def _add_page(app, model) -> None:
    async def page(request: Request):
        name = request.path_params.get("file", model.page)
        if name not in _FILES:
            raise HTTPException(404)
        return FileResponse(_STATIC / name, headers=_PAGE_HEADERS)

    async def about(request: Request):
        return _json(model.about())

    _route(app, "GET", ["/", "/static/{file}"], page)
    _route(app, "GET", ["/about.json"], about)


def _route(app, method, paths, function) -> None:
    for path in paths:
        app.add_route(path, function, methods=[method])


async def _answer(request: Request, protocol) -> Response:
    """Checks the headers, then lets the work answer."""
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
    content = await request.app.state.work.answer(request, protocol)
    return Response(content, media_type="application/json")


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


def _json(content, status: int = 200, headers=None) -> Response:
    return Response(messages.to_bytes(content), status, headers, media_type="application/json")


def _handle_errors(app) -> None:
    async def bad_request(request, error):
        return _json({"error": error.reason}, error.status, error.headers)

    async def http_error(request, error):
        path = request.url.path
        reasons = {
            404: f"there is nothing at {path!r:.200}",
            405: f"{request.method:.20} is not allowed at {path!r:.200}",
        }
        if request.method == "OPTIONS" and "origin" in request.headers:
            reasons[405] = (
                f"pages of {request.headers['origin']!r:.200} may not ask this server; start it "
                "with --cors_origins to let them"
            )
        reason = reasons.get(error.status_code, str(error.detail))
        return _json({"error": reason}, error.status_code, error.headers)

    async def gone(request, error):
        return _json({"error": "the connection was closed before the request was whole"}, 400)

    async def failure(request, error):
        return _json({"error": "the server failed; its log says why"}, 500)

    app.add_exception_handler(RequestError, bad_request)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, failure)
