"""Serves an exported network over HTTP and gRPC.

    python -m train.serve --model_dir=MODEL --port=8501 --grpc_port=8500

answers TensorFlow Serving's REST API (`/v1/models/NAME:predict`), the Open Inference Protocol
(`/v2/models/NAME/infer`), both of them over gRPC, Prometheus (`/metrics`) and people (`/`). Newer
versions of the model take its place. SIGTERM or Ctrl-C ends it.
"""

import dataclasses
import functools
import os
import re
import signal
import socket
import sys

from darts_tf.common.errors import UserError
from darts_tf.serving import versions
from darts_tf.serving.limits import Limits
from train import fields, program
from train.config import Config

_PACKAGES = ("anyio", "fastapi", "grpc", "h11", "prometheus_client", "starlette", "uvicorn")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServeConfig(Config):
    """The model to serve, and where."""

    without_task = "it is that of the network in --model_dir; leave it out"

    model_dir: str | None = fields.text(None, "The folder that train.export wrote.")
    host: str = fields.text(
        "127.0.0.1", "The address to listen at; 0.0.0.0 lets other machines connect."
    )
    port: int = fields.integer(
        8501, "The port to listen at; 0 takes any free one.", lower_bound=0, upper_bound=65535
    )
    grpc_port: int | None = fields.integer(
        None,
        "The port to listen at for gRPC, of which TensorFlow Serving takes 8500; 0 takes any free "
        "one. By default there is no gRPC.",
        lower_bound=0,
        upper_bound=65535,
    )
    name: str = fields.text("darts", "The model's name in the addresses.")
    max_body_mb: int = fields.integer(32, "Longer requests (in MB) are refused.", lower_bound=1)
    max_seconds: float = fields.number(
        120.0, "Requests that take longer (in s of work) are given up.", lower_bound=1
    )
    max_batch_size: int = fields.integer(
        Limits.batch_size,
        "Images (texts, windows) of small requests that arrive together are computed together, so "
        "many at most; 0 or 1 computes each request alone.",
        lower_bound=0,
    )
    batch_timeout_ms: float = fields.number(
        1000 * Limits.batch_seconds,
        "How long (in ms) a request waits for others, where others have come with the one before.",
        lower_bound=0,
    )
    version_poll_seconds: float = fields.number(
        5.0,
        "The time (in s) between two looks for a newer version in --model_dir; 0 looks once only.",
        lower_bound=0,
    )
    cors_origins: tuple[str, ...] | None = fields.words(
        None,
        "Pages of other servers that browsers let ask this one, such as https://example.org; * "
        "for all. By default none but its own page.",
    )
    log_requests: bool = fields.switch(False, "Print a line for each request.")


def main(config: ServeConfig) -> None:
    """Serves `--model_dir` until SIGTERM or Ctrl-C."""
    if not config.model_dir:
        raise UserError("--model_dir is missing; give the folder that train.export wrote")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", config.name):
        raise UserError(
            f"--name={config.name} cannot stand in an address; use letters, digits, '_', '.', '-'"
        )
    for origin in config.cors_origins or ():
        if origin != "*" and not re.fullmatch(r"https?://[^/\s,]+", origin):
            raise UserError(
                f"--cors_origins={origin}: expected an origin such as https://example.org, or *"
            )
    versions.find(config.model_dir)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    # Importing TensorFlow imports Keras where it is installed, which serving does not need.
    sys.modules.setdefault("keras", None)
    listener = _listen(config.host, config.port)
    _serve(config, listener)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        # Host name errors have negative numbers, which os.strerror does not know.
        reason = os.strerror(number) if number and number > 0 else error.args[-1]
        raise UserError(
            f"cannot listen at {host} port {port}: {reason}; "
            "stop the program that uses it, or choose another --port or --host"
        ) from error


def _serve(config: ServeConfig, listener: socket.socket) -> None:
    import train.startup  # noqa: F401  TensorFlow is first imported here

    try:
        from darts_tf.serving.app import create_app
        from darts_tf.serving.server import Server
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES:
            raise
        raise UserError(
            f"the package {error.name} is missing; "
            "install the server's packages with: pip install -r requirements-serve.txt"
        ) from error
    from darts_tf.serving import served
    from darts_tf.serving.models import Models
    from darts_tf.serving.version_watch import VersionWatch

    models = Models(served.load(config.model_dir, config.name))
    limits = Limits(
        body_bytes=config.max_body_mb * 1024 * 1024,
        work_seconds=config.max_seconds,
        batch_size=config.max_batch_size,
        batch_seconds=config.batch_timeout_ms / 1000,
    )
    app = create_app(models, limits, config.cors_origins or ())
    load = functools.partial(served.load, name=config.name)
    seconds, metrics = config.version_poll_seconds, app.state.metrics
    companions = [VersionWatch(models, config.model_dir, load, seconds, metrics)]
    if config.grpc_port is not None:
        # It would log what a client did wrong, which that is told itself.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from darts_tf.serving.grpc_server import GrpcServer

        place = (config.host, config.grpc_port)
        companions.append(GrpcServer(models, app.state.work, limits, metrics, *place))
    host, port = listener.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host

    def announce():
        grpc = f" and grpc://{companions[1].address}" if len(companions) > 1 else ""
        model = models.current.interface
        print(
            f"serving {model.name} version {model.version} at http://{host}:{port}/{grpc} "
            "(stop with Ctrl-C)",
            flush=True,
        )

    # uvicorn takes the signals while it runs, ends cleanly and then sends them once more, to
    # `_stop`.
    Server(app, limits, config.log_requests, companions, announce).run(sockets=[listener])


def _stop(number, frame) -> None:
    print(f"stopped by {signal.Signals(number).name}", flush=True)
    # An end in order waits for all threads, and TensorFlow's may compute for long.
    os._exit(0)


if __name__ == "__main__":
    program.run(main)
