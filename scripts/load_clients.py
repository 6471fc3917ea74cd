"""The clients of scripts.load_server: one function a kind, each of which asks once and checks."""

import base64
import contextlib
import dataclasses
import http.client
import io
import json
import random
import socket
import time

import numpy as np
from PIL import Image

_TIMEOUT = 100
_TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class Known:
    """Images and what is right for them.

    Attributes:
        name: the model's name in addresses.
        images: uint8 `[N, H, W, C]`.
        probabilities: `[N, K]`.
        class_names: the K names.
    """

    name: str
    images: np.ndarray
    probabilities: np.ndarray
    class_names: list[str]


def ask(kind: str, seed: int, port: int, known: Known, seconds: float, largest_mb: float):
    """Asks until the time is over, once at least.

    Args:
        kind: a key of `KINDS`.
        seed: of the requests.
        port: the server's, on this machine.
        known: what is right.
        seconds: how long.
        largest_mb: the size of the largest requests, in MB.

    Returns:
        A status and the seconds until it came for each answer, and what was wrong, in words.
    """
    client = Client(random.Random(seed), port, known, largest_mb)
    answers, wrong = [], []
    end = time.monotonic() + seconds
    while not answers or time.monotonic() < end:
        start = time.monotonic()
        try:
            status = KINDS[kind](client)
        except Exception as error:  # Whatever a client sees is part of the result.
            status = "wrong"
            wrong.append(f"{kind}: {type(error).__name__} {error}")
        answers.append((status, time.monotonic() - start))
    return answers, wrong


class Client:
    """One client with a connection of its own.

    Args:
        random: chooses what is asked.
        port: the server's.
        known: what is right.
        largest_mb: the size of the largest requests, in MB.
    """

    def __init__(self, random, port: int, known: Known, largest_mb: float):
        self.random, self.port, self.known, self.largest_mb = random, port, known, largest_mb
        self.v1 = f"/v1/models/{known.name}:predict"
        self.v2 = f"/v2/models/{known.name}/infer"
        self.texts = [json.dumps(image.tolist()) for image in known.images]
        self.flat_texts = [json.dumps(image.reshape(-1).tolist())[1:-1] for image in known.images]
        self.files = [base64.b64encode(png(image)).decode() for image in known.images]
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)

    def choose(self, count: int) -> list[int]:
        """The numbers of `count` images."""
        return self.random.choices(range(len(self.texts)), k=count)

    def request(self, method, path, body=None, content_type="application/json"):
        """Asks and returns the status and the whole answer."""
        try:
            self.connection.request(method, path, body, {"Content-Type": content_type})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # An idle connection may be closed at any time; a new one must answer.
            self.connection.close()
            self.connection.request(method, path, body, {"Content-Type": content_type})
            response = self.connection.getresponse()
            return response.status, response.read()

    def body(self, indices, how: str) -> tuple[str, bytes, object]:
        """A request: its path, its body, and the function that checks its answer.

        Args:
            indices: the numbers of its images.
            how: one of `HOW`.
        """
        if how == "v1 rows":
            return self.v1, _list("instances", self._of(self.texts, indices)), self.check_rows
        if how == "v1 columns":
            return self.v1, _list("inputs", self._of(self.texts, indices)), self.check_columns
        if how == "v1 files":
            rows = [f'{{"b64": "{self.files[index]}"}}' for index in indices]
            body = _list("instances", rows, '"signature_name": "serving_bytes", ')
            return self.v1, body, self.check_rows
        name, kind, texts, shape = {
            "v2 flat": ("images", "UINT8", self.flat_texts, self.known.images.shape[1:]),
            "v2 nested": ("images", "UINT8", self.texts, self.known.images.shape[1:]),
            "v2 files": ("image_bytes", "BYTES", [f'"{file}"' for file in self.files], ()),
        }[how]
        start = json.dumps({"name": name, "datatype": kind, "shape": [len(indices), *shape]})[:-1]
        data = ", ".join(self._of(texts, indices))
        body = f'{{"id": "{len(indices)}", "inputs": [{start}, "data": [{data}]}}]}}'
        return self.v2, body.encode(), self.check_tensors

    def ask(self, count: int, how: str):
        """Asks once and checks the answer."""
        indices = self.choose(count)
        path, body, check = self.body(indices, how)
        status, answer = self.request("POST", path, body)
        if status != 200:
            raise AssertionError(f"{how}, {count} images: {status} {answer[:200]}")
        check(indices, json.loads(answer))
        return status

    def check_rows(self, indices, answer):
        """Checks an answer in row format."""
        rows = answer["predictions"]
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        self.check(indices, columns)

    def check_columns(self, indices, answer):
        """Checks an answer in column format."""
        self.check(indices, answer["outputs"])

    def check_tensors(self, indices, answer):
        """Checks an answer of the Open Inference Protocol."""
        assert answer["id"] == str(len(indices)), answer["id"]
        tensors = {tensor["name"]: tensor for tensor in answer["outputs"]}
        probabilities = tensors["probabilities"]
        assert probabilities["shape"] == [len(indices), len(self.known.class_names)]
        values = {name: tensor["data"] for name, tensor in tensors.items()}
        values["probabilities"] = np.reshape(values["probabilities"], probabilities["shape"])
        self.check(indices, values)

    def check(self, indices, columns):
        """Checks that the answer's values are those of the Keras model."""
        expected = self.known.probabilities[indices]
        found = np.array(columns["probabilities"])
        assert found.shape == expected.shape, (found.shape, expected.shape)
        assert np.abs(found - expected).max() < _TOLERANCE, np.abs(found - expected).max()
        # Where two classes are equally likely either is right.
        chosen = expected[np.arange(len(indices)), columns["class_ids"]]
        assert (chosen > expected.max(axis=1) - _TOLERANCE).all(), "another class"
        names = [self.known.class_names[index] for index in columns["class_ids"]]
        assert names == columns["class_names"], "another name"

    def _of(self, texts, indices):
        return [texts[index] for index in indices]


HOW = ("v1 rows", "v1 columns", "v2 flat", "v2 nested", "v1 files", "v2 files")


def pixels(client: Client):
    """A few images as numbers."""
    return client.ask(client.random.randint(1, 40), client.random.choice(HOW[:4]))


def files(client: Client):
    """A few images as files."""
    return client.ask(client.random.randint(1, 20), client.random.choice(HOW[4:]))


def large(client: Client):
    """Many images, 0.1 MB up to `largest_mb`."""
    size = 1e5 * (client.largest_mb * 10) ** client.random.random()
    how = client.random.choice(HOW)
    text = client.files[0] if "files" in how else client.texts[0]
    return client.ask(max(1, int(size / len(text))), how)


def slow(client: Client):
    """A request that arrives in pieces, or only in part, or whose client leaves."""
    path, body, check = client.body(indices := client.choose(5), client.random.choice(HOW))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    message = head + body
    with socket.create_connection(("127.0.0.1", client.port), timeout=_TIMEOUT) as connection:
        whole = client.random.random() < 0.6
        for _ in range(4):
            cut = client.random.randrange(len(message))
            connection.sendall(message[:cut])
            message = message[cut:]
            time.sleep(client.random.random() * 0.3)
        if not whole:
            return "left"
        connection.sendall(message)
        response = http.client.HTTPResponse(connection)
        response.begin()
        if client.random.random() < 0.2:
            return "left"
        answer = response.read()
        assert response.status == 200, answer[:200]
        check(indices, json.loads(answer))
        return 200


def wrong(client: Client):
    """A request that must be refused, with the right status and a reason."""
    shape, text = list(client.known.images.shape[1:]), client.random.choice(client.texts)
    half = text[: len(text) // 2].encode()
    method, path, body, status = client.random.choice(
        [
            ("POST", client.v1, b"", 400),
            ("POST", client.v1, b'{"instances": [' + half, 400),
            ("POST", client.v1, b'{"instances": [[[[256]]]]}', 400),
            ("POST", client.v1, f'{{"instances": [{text}, [1]]}}'.encode(), 400),
            ("POST", client.v1, f'{{"instances": [{text}], "inputs": 1}}'.encode(), 400),
            ("POST", client.v1, f'{{"instances": [{text.replace("[", "[-", 1)}]}}'.encode(), 400),
            ("POST", client.v1, b"[" * 100_000, 400),
            ("POST", client.v1, b"[" * 400_000, 400),
            ("POST", client.v1, b'{"instances": [' + b"9," * 200_000 + b"9]}", 400),
            ("POST", client.v1, b'{"signature_name": "serving_bytes", "instances": [""]}', 400),
            (
                "POST",
                client.v1,
                b'{"signature_name": "serving_bytes", "instances": [{"b64": "iVBORw0K"}]}',
                400,
            ),
            ("POST", client.v2, b'{"inputs": []}', 400),
            (
                "POST",
                client.v2,
                f'{{"inputs": [{{"name": "images", "shape": {list(shape)}}}]}}',
                400,
            ),
            ("POST", client.v2, b"\xff\xfe", 400),
            ("POST", "/v1/models/other:predict", b"{}", 404),
            ("POST", client.v1 + "x", b"{}", 404),
            ("POST", "/", b"{}", 405),
            ("GET", client.v2, None, 405),
            ("GET", "/nothing", None, 404),
        ]
    )
    found, answer = client.request(method, path, body)
    answer = json.loads(answer)
    assert found == status, f"{path} {str(body)[:80]}: {found} instead of {status}, {answer}"
    assert set(answer) == {"error"} and len(answer["error"]) > 10, answer
    return found


def noise(client: Client):
    """What is not HTTP: the server closes the connection, with or without an answer."""
    data = client.random.choice([b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\x00" * 100])
    with socket.create_connection(("127.0.0.1", client.port), timeout=_TIMEOUT) as connection:
        connection.sendall(data + b"\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400 ") or not answer, answer[:100]
    time.sleep(0.05)
    return "closed"


def look(client: Client):
    """The page, the health checks, the descriptions."""
    name = client.known.name
    path, expected = client.random.choice(
        [
            ("/", b"<!doctype html>"),
            ("/static/page.js", b"fetchJson"),
            ("/about.json", json.dumps(name).encode()),
            ("/v2", b"darts_tf"),
            ("/v2/health/live", b"true"),
            ("/v2/health/ready", b"true"),
            (f"/v2/models/{name}", b"probabilities"),
            (f"/v2/models/{name}/ready", b"true"),
            (f"/v1/models/{name}", b"AVAILABLE"),
            (f"/v1/models/{name}/metadata", b"serving_default"),
        ]
    )
    status, answer = client.request("GET", path)
    assert status == 200 and expected.lower() in answer.lower(), (path, status, answer[:100])
    time.sleep(0.02)
    return status


KINDS = {
    "pixels": pixels,
    "files": files,
    "large": large,
    "slow": slow,
    "wrong": wrong,
    "noise": noise,
    "look": look,
}


def png(image: np.ndarray) -> bytes:
    """A PNG file of a uint8 image `[H, W, C]`."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
    return file.getvalue()


def _list(key: str, rows, before: str = "") -> bytes:
    return f'{{{before}"{key}": [{", ".join(rows)}]}}'.encode()
