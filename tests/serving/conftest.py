import pytest
from fastapi.testclient import TestClient

from darts_tf.export.export import export_model
from darts_tf.serving.app import create_app
from darts_tf.serving.limits import Limits
from darts_tf.serving.model import ServedModel
from darts_tf.serving.models import Models
from tests.serving import tiny_network

MAX_BODY_BYTES = 200_000


@pytest.fixture(scope="session")
def network():
    return tiny_network.build()


@pytest.fixture(scope="session")
def export_directory(network, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "model"
    export_model(network, directory, **tiny_network.arguments())
    return directory


@pytest.fixture(scope="session")
def served_model(export_directory):
    return ServedModel(export_directory, "tiny")


@pytest.fixture(scope="session")
def client(served_model):
    # A failure of the server must arrive as status 500, as it would over the network.
    app = create_app(Models(served_model), Limits(body_bytes=MAX_BODY_BYTES))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
