import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from darts_tf.export.export import export_model
from tests.forks import REPOSITORY
from tests.serving import tiny_network
from tests.train.programs import start_all


@pytest.fixture(scope="module")
def network():
    return tiny_network.build()


@pytest.fixture(scope="module")
def model_directory(network, tmp_path_factory):
    directory = tmp_path_factory.mktemp("export") / "model"
    export_model(network, directory, **tiny_network.arguments())
    return directory


@contextlib.contextmanager
def server(*flags, **environment):
    """Starts `train.serve` on a free port; gives the process and the address it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "train.serve", "--port=0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
    )
    try:
        line = process.stdout.readline()
        address = re.search(r"serving \w+ version \d+ at (http://127\.0\.0\.1:\d+)/", line)
        assert address, line + process.stderr.read()
        yield process, address[1]
    finally:
        process.kill()
        process.wait()


def ask(address, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(address, data), timeout=20) as response:
        return json.load(response)


def test_serves_without_keras_and_ends_cleanly(network, model_directory, tmp_path):
    # Stands before the real Keras on the path, so that any import of it would leave a trace.
    (tmp_path / "keras").mkdir()
    trace = tmp_path / "imported"
    (tmp_path / "keras" / "__init__.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    images = tiny_network.random_images(2)
    expected = tiny_network.expected_probabilities(network, images)
    rows = [{"b64": base64.b64encode(tiny_network.encode(i)).decode()} for i in images]
    flags = (f"--model_dir={model_directory}", "--name=tiny")
    with server(*flags, PYTHONPATH=str(tmp_path)) as (process, address):
        assert ask(f"{address}/v2/health/ready")["ready"] is True
        predict = f"{address}/v1/models/tiny:predict"
        for body in (
            {"instances": images.tolist()},
            {"signature_name": "serving_bytes", "instances": rows},
        ):
            found = [row["probabilities"] for row in ask(predict, body)["predictions"]]
            np.testing.assert_allclose(found, expected, atol=1e-6)
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(predict, {"instances": [[[["a"]]]]})
        assert refused.value.code == 400
        assert "error" in json.load(refused.value)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == "stopped by SIGTERM\n"
    assert "Traceback" not in err
    assert not trace.exists()


def test_ctrl_c_ends_cleanly(model_directory):
    with server(f"--model_dir={model_directory / '1'}") as (process, address):
        assert ask(f"{address}/v1/models/darts")["model_version_status"][0]["version"] == "1"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == "stopped by SIGINT\n"
    assert "Traceback" not in err


def refuse(*flags):
    """Runs `train.serve`, which must refuse to start; gives its one line of error."""
    done = start_all("train.serve", {"it": flags})["it"]
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return error


def test_a_port_in_use(model_directory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refuse(f"--model_dir={model_directory}", f"--port={port}")
    assert f"cannot listen at 127.0.0.1 port {port}: Address already in use" in error


def test_bad_flags(model_directory):
    assert "--model_dir is missing" in refuse()
    model = f"--model_dir={model_directory}"
    assert "--name=a/b cannot stand in an address" in refuse(model, "--name=a/b")
    assert "port" in refuse(model, "--port=70000")
    assert "port" in refuse(model, "--port=http")
    assert "cannot listen at 192.0.2.1 port 0" in refuse(model, "--host=192.0.2.1", "--port=0")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.mkdir(), "holds no exported model"),
        (lambda folder: folder.write_text("a file"), "does not exist"),
        (lambda folder: damaged(folder), "cannot be loaded as a SavedModel"),
    ],
)
def test_model_folders_that_cannot_be_served(tmp_path, prepare, reason):
    folder = tmp_path / "model"
    prepare(folder)
    assert reason in refuse(f"--model_dir={folder}", "--port=0")


def damaged(folder):
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "saved_model.pb").write_bytes(b"no proto")


def test_a_saved_model_of_another_kind(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.double = tf.function(
        lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
    )
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.double)
    error = refuse(f"--model_dir={tmp_path}", "--port=0")
    assert "none that `python -m train.export` wrote" in error
