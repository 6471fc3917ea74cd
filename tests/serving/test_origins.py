"""Whether pages of other servers may ask: cross-origin resource sharing."""

import pytest
from fastapi.testclient import TestClient

from darts_tf.serving.app import create_app
from darts_tf.serving.models import Models

PREDICT = "/v1/models/tiny:predict"
PAGE = {"Origin": "https://example.org"}
PREFLIGHT = {
    **PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
ALLOWED = "access-control-allow-origin"


@pytest.fixture
def ask(served_model):
    """A client of a server that lets these origins ask."""

    def make(*origins):
        app = create_app(Models(served_model), origins=origins)
        return TestClient(app, raise_server_exceptions=False)

    return make


def test_none_by_default(ask):
    client = ask()
    answer = client.options(PREDICT, headers=PREFLIGHT)
    assert answer.status_code == 405 and ALLOWED not in answer.headers
    assert "https://example.org" in answer.json()["error"]
    assert "--cors_origins" in answer.json()["error"]
    assert ALLOWED not in client.get("/v1/models/tiny", headers=PAGE).headers
    assert client.options(PREDICT).json()["error"].startswith("OPTIONS is not allowed at")


@pytest.mark.parametrize(
    "origins, allowed",
    [
        (["https://example.org"], "https://example.org"),
        (["https://a.org", "https://example.org"], "https://example.org"),
        (["*"], "*"),
    ],
)
def test_named_origins(ask, origins, allowed):
    client = ask(*origins)
    answer = client.options(PREDICT, headers=PREFLIGHT)
    assert answer.status_code == 200 and answer.headers[ALLOWED] == allowed
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()
    # Answers and refusals can be read, and no cookie is asked for.
    for answer in (
        client.get("/v1/models/tiny", headers=PAGE),
        client.post(PREDICT, json={"instances": 1}, headers=PAGE),
    ):
        assert answer.headers[ALLOWED] == allowed
        assert "access-control-allow-credentials" not in answer.headers
    assert client.get("/v1/models/tiny").status_code == 200


def test_other_origins(ask):
    client = ask("https://a.org")
    answer = client.options(PREDICT, headers=PREFLIGHT)
    assert answer.status_code == 400 and ALLOWED not in answer.headers
    assert ALLOWED not in client.get("/v1/models/tiny", headers=PAGE).headers
