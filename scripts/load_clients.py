"""The clients of scripts.load_server: one function a kind, each of which asks once and checks."""

import contextlib
import http.client
import json
import random
import socket
import time

from scripts import load_tensors
from scripts.load_client import HOW, TIMEOUT, Client, Known


def ask(kind: str, seed: int, ports, known: Known, seconds: float, largest_mb: float):
    """Asks until the time is over, once at least.

    Args:
        kind: a key of `KINDS`.
        seed: of the requests.
        ports: the server's on this machine, for HTTP and gRPC.
        known: what is right.
        seconds: how long.
        largest_mb: the size of the largest requests, in MB.

    Returns:
        A status and the seconds until it came for each answer, and what was wrong, in words.
    """
    client = Client(random.Random(seed), ports, known, largest_mb)
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
    with socket.create_connection(("127.0.0.1", client.port), timeout=TIMEOUT) as connection:
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
    """Sends what is not HTTP: the server closes the connection, with or without an answer."""
    data = client.random.choice([b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\x00" * 100])
    with socket.create_connection(("127.0.0.1", client.port), timeout=TIMEOUT) as connection:
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
            ("/metrics", b"darts_requests_total"),
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
    **load_tensors.KINDS,
}
