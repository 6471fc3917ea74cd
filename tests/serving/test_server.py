"""Clients that send nothing, half a request or too many, over sockets to a tiny application."""

import contextlib
import errno
import http.client
import json
import resource
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from fastapi import FastAPI, Request, Response

from darts_tf.serving import bodies, server
from darts_tf.serving.errors import RequestError
from darts_tf.serving.limits import Limits

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
LONG = 20_000_000


class Stop:
    """In the place of `Work`."""

    def __init__(self):
        self.event = threading.Event()

    def stop(self):
        self.event.set()


@contextlib.contextmanager
def running(**changes):
    """Gives a server with little patience, and its address."""
    limits = Limits(patience_seconds=0.3, stop_seconds=0.2, **changes)
    app = FastAPI()
    app.state.work = Stop()

    async def answer(request: Request):
        async def make_room():
            pass

        try:
            body = await bodies.read(request, limits, make_room)
        except RequestError as error:
            return Response(error.reason, error.status, error.headers)
        return Response(b"x" * LONG if body == b"long" else b"whole: " + body)

    app.add_route("/", answer, methods=["POST"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tested = server.Server(app, limits)
        thread = threading.Thread(target=tested.run, args=([listener],))
        thread.start()
        while not tested.started:
            time.sleep(0.01)
        try:
            yield tested, listener.getsockname()
        finally:
            tested.should_exit = True
            thread.join(20)


def connect(address, data=b""):
    connection = socket.create_connection(address)
    connection.settimeout(20)
    connection.sendall(data)
    return connection


def everything(connection):
    """The bytes that arrive until the server closes the connection."""
    found = b""
    with connection, contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return found


def post(body):
    return HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_whole_requests_are_answered():
    with running() as (_, address):
        assert everything(connect(address, post(b"abc"))).endswith(b"\r\n\r\nwhole: abc")


def test_answers_do_not_wait_for_the_client_to_confirm_their_first_part():
    with running() as (_, address):
        connection = http.client.HTTPConnection(*address)
        start = time.monotonic()
        for _ in range(30):
            connection.request("POST", "/", b"abc")
            assert connection.getresponse().read() == b"whole: abc"
        connection.close()
    # It was 40 ms for each.
    assert time.monotonic() - start < 0.6


def test_connections_without_a_whole_request_are_closed():
    with running() as (_, address):
        start = time.monotonic()
        silent, line, head, body = [
            connect(address, data)
            for data in (b"", b"POST / HT", HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc")
        ]
        # One that has been answered, and then sends a byte now and then.
        kept = connect(address, HEAD + b"Content-Length: 1\r\n\r\na")
        while not kept.recv(65536).endswith(b"whole: a"):
            pass
        kept.sendall(b"P")
        assert everything(silent) == everything(line) == everything(head) == b""
        assert b"408 Request Timeout" in everything(body)
        assert everything(kept) == b""
        assert 0.3 < time.monotonic() - start < 5


def test_an_answer_that_nobody_reads_is_given_up():
    with running() as (tested, address):
        connection = connect(address, post(b"long"))
        while not tested.server_state.connections:
            time.sleep(0.01)
        start = time.monotonic()
        while tested.server_state.connections:
            time.sleep(0.01)
            assert time.monotonic() - start < 5
        assert len(everything(connection)) < LONG


def test_a_slow_reader_gets_all():
    with running(bytes_per_second=10_000_000) as (_, address):
        connection, found = connect(address, post(b"long")), b""
        for _ in range(5):
            time.sleep(0.1)
            found += connection.recv(2_000_000)
        assert (found + everything(connection)).endswith(b"\r\n\r\n" + b"x" * LONG)


def test_too_many_connections_close_the_longest_idle_one(capsys):
    with running(connections=4) as (_, address):
        idle = [connect(address) for _ in range(4)]
        for _ in range(2):
            assert everything(connect(address, post(b"abc"))).endswith(b"whole: abc")
            idle.append(connect(address))
        # The oldest ones are closed already, the others when it is time.
        idle[1].setblocking(False)
        assert everything(idle[0]) == everything(idle[1]) == b""
        assert everything(idle[3]) == b""
    (line,) = capsys.readouterr().err.splitlines()
    assert "4 connections are open" in line


def test_too_many_busy_connections_refuse_the_next_one():
    with running(connections=2) as (_, address):
        half = [connect(address, HEAD + b"Content-Length: 3\r\n\r\na") for _ in range(2)]
        time.sleep(0.1)
        refused = everything(connect(address))
        assert refused.startswith(b"HTTP/1.1 503 ")
        error = json.loads(refused.partition(b"\r\n\r\n")[2])["error"]
        assert "too many connections" in error
        half[0].sendall(b"bc")
        assert everything(half[0]).endswith(b"whole: abc")
        half[1].close()


def test_what_is_no_http_is_refused_as_json_and_not_logged(capsys):
    with running() as (_, address):
        head, _, body = everything(connect(address, b"\x16\x03\x01 hello\r\n\r\n")).partition(
            b"\r\n\r\n"
        )
    assert b"400 Bad Request" in head
    assert json.loads(body) == {"error": "Invalid HTTP request received."}
    assert capsys.readouterr().err == ""


def test_a_stop_ends_in_time_whatever_clients_do():
    with running() as (tested, address):
        half = connect(address, HEAD + b"Content-Length: 9\r\n\r\nabc")
        silent, unread = connect(address), connect(address, post(b"long"))
        time.sleep(0.1)
        tested.should_exit = True
        start = time.monotonic()
    assert time.monotonic() - start < 2
    assert tested._work.event.is_set()
    for connection in (half, silent, unread):
        connection.close()


def test_a_lack_of_descriptors_is_one_line(capsys):
    logged = []
    with running() as (tested, _):
        loop = SimpleNamespace(default_exception_handler=logged.append)
        for _ in range(3):
            tested._log(loop, {"exception": OSError(errno.EMFILE, "Too many open files")})
        tested._log(loop, {"message": "something else"})
    (line,) = capsys.readouterr().err.splitlines()
    assert "no more open files" in line
    assert logged == [{"message": "something else"}]


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "connections"),
    [
        (256, 256, None, 112),
        (1024, 1_000_000, 4096, 1000),
        (256, 1024, 1024, 880),
        (65536, 65536, None, 1000),
        (100, 100, None, 8),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, 1000),
        (1024, resource.RLIM_INFINITY, 4096, 1000),
    ],
)
def test_connections_fit_the_descriptors(monkeypatch, soft, hard, raised, connections):
    calls = []
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limit: calls.append(limit))
    assert server._fit_descriptors(Limits(connections=1000)).connections == connections
    assert calls == ([] if raised is None else [(raised, hard)])
