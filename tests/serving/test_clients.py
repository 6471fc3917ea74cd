"""Clients that exist, with their defaults, each asking one server in a process of its own."""

import json
import pathlib
import re
import subprocess

import numpy as np
import pytest

from scripts import load_server
from tests.serving import tiny_network

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = pathlib.Path(__file__).parent / "client_programs"
IMAGES = tiny_network.random_images(2)
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


@pytest.fixture(scope="module")
def running(export_directory):
    with load_server.server(export_directory, ["--name=digits"]) as running:
        yield running


@pytest.fixture(scope="module")
def known(network):
    expected = tiny_network.expected_probabilities(network, IMAGES)
    return {
        "images": IMAGES.tolist(),
        "files": [tiny_network.encode(image).hex() for image in IMAGES],
        "probabilities": expected.tolist(),
        "names": [tiny_network.CLASS_NAMES[index] for index in expected.argmax(axis=1)],
    }


@pytest.fixture(scope="module")
def clients_python():
    """The interpreter of an environment that has the clients."""
    subprocess.run(["bash", ROOT / "scripts/make_clients_venv.sh"], check=True)
    return ROOT / ".venv-clients/bin/python"


def blocks(running, *needles):
    """The page's programs that import one of some packages, for the server's ports."""
    text = (ROOT / "docs/serving.md").read_text()
    text = text[text.index("\n## Clients\n") : text.index("\n## Requests together")]
    found = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in _INDENTED.findall(text)]
    assert len(found) == 6
    found = [block for block in found if any(needle in block for needle in needles)]
    ports = {":8501": f":{running.port}", ":8500": f":{running.grpc_port}"}
    return [re.sub(":850[01]", lambda match: ports[match[0]], block) for block in found]


def run(python, program, content, *args):
    command = [str(python), str(PROGRAMS / program), *args]
    done = subprocess.run(
        command, input=json.dumps(content), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_tensorflow_serving_and_its_rest(running, known):
    found = blocks(running, "tensorflow_serving", "urllib")
    assert len(found) == 2
    for block in found:
        names = {"images": IMAGES}
        exec(block, names)  # noqa: S102
        np.testing.assert_allclose(names["probabilities"], known["probabilities"], atol=1e-6)


@pytest.mark.slow
def test_triton(running, known, clients_python):
    addresses = [f"127.0.0.1:{port}" for port in (running.port, running.grpc_port)]
    found = blocks(running, "tritonclient")
    assert len(found) == 2
    run(clients_python, "triton.py", known | {"blocks": found}, *addresses)


# KServe's client by default, which is TensorFlow Serving's protocol, and its health checks.
KSERVE = """
import asyncio
from kserve import InferenceGRPCClient, InferenceRESTClient, RESTConfig
async def ask():
    client, body = InferenceRESTClient(), {"instances": images.tolist()}
    answer = await client.infer("http://127.0.0.1:%d", body, model_name="digits")
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live("http://127.0.0.1:%d")
    assert await client.is_server_ready("http://127.0.0.1:%d")
    assert await client.is_model_ready("http://127.0.0.1:%d", "digits")
    async with InferenceGRPCClient("127.0.0.1:%d") as client:
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready("digits")
    return [row["probabilities"] for row in answer["predictions"]]
probabilities = asyncio.run(ask())
"""


@pytest.mark.slow
def test_kserve(running, known, clients_python):
    found = blocks(running, "kserve")
    assert len(found) == 2
    found.append(KSERVE % (*[running.port] * 4, running.grpc_port))
    run(clients_python, "blocks.py", known | {"blocks": found})


def test_the_servers_log_is_empty(running):
    running.log.seek(0)
    assert running.log.read() == ""
