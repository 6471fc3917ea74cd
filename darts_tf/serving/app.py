"""The HTTP side: the protocols, the page, the metrics, errors."""

from collections.abc import Sequence

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from darts_tf.serving import metrics, pages
from darts_tf.serving.errors import RequestError
from darts_tf.serving.limits import Limits
from darts_tf.serving.models import Models
from darts_tf.serving.open_inference_rest import LENGTH_HEADER
from darts_tf.serving.rest import Rest, json_response
from darts_tf.serving.work import Work

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def create_app(
    models: Models, limits: Limits | None = None, origins: Sequence[str] = ()
) -> FastAPI:
    """Builds the server's ASGI application.

    Args:
        models: the model to serve.
        limits: how much one request may ask; None for the defaults.
        origins: of other pages that browsers let ask this server (CORS), such as
            "https://example.org"; "*" for all. None by default: only the server's own page.

    Returns:
        The application. Its `state.work` is the `Work`, whose `stop` ends all requests, and its
        `state.metrics` the `Metrics`.
    """
    # FastAPI's own documentation pages load scripts from the internet, so they are off.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    limits = limits or Limits()
    app.state.metrics = metrics.Metrics()
    app.state.metrics.version(models.current.name, models.current.version)
    app.state.work = Work(models, limits, app.state.metrics.batch)
    if origins:
        # No cookies are sent along, because there are none.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", LENGTH_HEADER],
            expose_headers=[LENGTH_HEADER],
            max_age=600,
        )
    _handle_errors(app)
    rest = Rest(app, models, app.state.work, limits, app.state.metrics)
    _add_page(rest, models)
    _add_metrics(rest, app.state.metrics)
    return app


def _add_metrics(rest, counted) -> None:
    async def text(request: Request):
        return Response(counted.text(), headers={"Content-Type": metrics.CONTENT_TYPE})

    rest.add("metrics", "read", "GET", ["/metrics"], text)


def _add_page(rest, models) -> None:
    async def page(request: Request):
        name = request.path_params.get("file", models.current.page)
        if name not in pages.NAMES:
            raise HTTPException(404)
        text, kind = pages.content(name)
        return Response(text, media_type=kind, headers=_PAGE_HEADERS)

    async def about(request: Request):
        return json_response(models.current.about())

    rest.add("page", "read", "GET", ["/", "/static/{file}"], page)
    rest.add("page", "read", "GET", ["/about.json"], about)


def _handle_errors(app) -> None:
    async def bad_request(request, error):
        return json_response({"error": error.reason}, error.status, error.headers)

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
        return json_response({"error": reason}, error.status_code, error.headers)

    async def gone(request, error):
        return json_response(
            {"error": "the connection was closed before the request was whole"}, 400
        )

    async def failure(request, error):
        return json_response({"error": "the server failed; its log says why"}, 500)

    app.add_exception_handler(RequestError, bad_request)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, failure)
