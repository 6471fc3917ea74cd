"""What the server has done, for Prometheus."""

import contextlib
import time

import prometheus_client

# From a small network's answer to a large request's, in seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
#: The type of the content.
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST


class Metrics:
    """Counters of one server, in a registry of their own.

    Labels have few values, all of them the server's own: a client cannot add any.
    """

    def __init__(self):
        self._registry = registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        self._requests = prometheus_client.Counter(
            "darts_requests", "Requests.", ["protocol", "verb", "status"], registry=registry
        )
        self._seconds = prometheus_client.Histogram(
            "darts_request_seconds",
            "From a request's first bytes to its whole answer.",
            ["protocol", "verb"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_flight = prometheus_client.Gauge(
            "darts_requests_in_flight", "Requests without an answer.", registry=registry
        )
        self._batches = prometheus_client.Histogram(
            "darts_batch_size",
            "Examples of a run that requests which arrive together share.",
            buckets=_SIZES,
            registry=registry,
        )
        self._version = prometheus_client.Gauge(
            "darts_model_version", "The version that answers.", ["model"], registry=registry
        )
        self._loads = prometheus_client.Counter(
            "darts_model_loads", "New versions.", ["model", "outcome"], registry=registry
        )
        #: Counts one joint run of so many examples.
        self.batch = self._batches.observe

    def version(self, model: str, version: int) -> None:
        """Notes the version that answers from now on."""
        self._version.labels(model).set(version)

    def load(self, model: str, outcome: str) -> None:
        """Counts a new version, `loaded` or `broken`."""
        self._loads.labels(model, outcome).inc()

    @contextlib.contextmanager
    def request(self, protocol: str, verb: str):
        """A context for a request; gives a function that notes its status."""
        found = ["cancelled"]
        start = time.perf_counter()
        self._in_flight.inc()
        try:
            yield lambda status: found.__setitem__(0, str(status))
        finally:
            self._in_flight.dec()
            self._requests.labels(protocol, verb, found[0]).inc()
            self._seconds.labels(protocol, verb).observe(time.perf_counter() - start)

    def text(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return prometheus_client.generate_latest(self._registry)
