#!/usr/bin/env bash
# uvicorn 0.54.0 (CPython 3.11): connections of a socket that the server is given, as by
# `Server.run(sockets=[config.bind_socket()])`, or by uvicorn itself with --workers or --reload, have
# no TCP_NODELAY; those of a port that it opens itself have it. asyncio sets it only for sockets whose
# `proto` is IPPROTO_TCP, and bind_socket's is 0 (so is that of socket.create_server). The parts of an
# answer are written one by one, so that on a kept connection the second one can wait for the
# client's delayed acknowledgement of the first: 40 ms a request on Linux.
#
# Seen (h11 0.16.0): TCP_NODELAY 1 for uvicorn's own socket, 0 for bind_socket's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 h11==0.16.0
"$folder/venv/bin/python" - <<'PYTHON'
import http.client
import socket
import statistics
import threading
import time

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

print("uvicorn", uvicorn.__version__)
options = []


class Protocol(H11Protocol):
    def connection_made(self, transport):
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"abc"})


def ask(given: bool):
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", http=Protocol)
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()] if given else None
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    listener = sockets[0] if given else server.servers[0].sockets[0]
    connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1])
    times = []
    for _ in range(20):
        start = time.perf_counter()
        connection.request("POST", "/", b"x")
        assert connection.getresponse().read() == b"abc"
        times.append(time.perf_counter() - start)
    connection.close()
    server.should_exit = True
    thread.join()
    print(f"bind_socket's: {given}; TCP_NODELAY {options[-1]}; {1000 * statistics.median(times):.1f} ms")


ask(False)
ask(True)
assert options[0] and not options[1], "changed"
print("as described")
PYTHON
