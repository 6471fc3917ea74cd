import anyio
import pytest

from darts_tf.serving import bodies
from darts_tf.serving.errors import RequestError
from darts_tf.serving.limits import Limits

LIMITS = Limits(body_bytes=1000, small_bytes=100, patience_seconds=0.1, bytes_per_second=1000)


class Arriving:
    """A request whose chunks arrive after as many seconds."""

    def __init__(self, *chunks, length=""):
        self.chunks = chunks
        self.headers = {"content-length": length}

    async def stream(self):
        for seconds, chunk in self.chunks:
            await anyio.sleep(seconds)
            yield chunk


def read(request, room_after=0.0):
    calls = []

    async def make_room():
        calls.append("room")
        await anyio.sleep(room_after)

    return anyio.run(bodies.read, request, LIMITS, make_room), len(calls)


def test_chunks_are_joined():
    assert read(Arriving((0, b"ab"), (0, b""), (0, b"c"))) == (b"abc", 0)


def test_a_body_that_stops_arriving_is_given_up():
    with pytest.raises(RequestError, match="arrives too slowly: 3 bytes in 0.1 s") as refused:
        read(Arriving((0, b"abc"), (60, b"d")))
    assert refused.value.status == 408
    assert refused.value.headers == {"Connection": "close"}


def test_every_byte_gives_time_for_the_next():
    # 0.24 s, and 0.1 s and one for each 1,000 bytes are allowed.
    body, _ = read(Arriving(*[(0.06, b"x" * 90)] * 4))
    assert body == b"x" * 360
    with pytest.raises(RequestError, match="too slowly"):
        read(Arriving(*[(0.06, b"x")] * 4))


@pytest.mark.parametrize("length", ["500", ""])
def test_a_long_body_waits_once_for_room_in_the_servers_time(length):
    request = Arriving((0, b"x" * 250), (0.03, b"x" * 250), length=length)
    assert read(request, room_after=0.4) == (b"x" * 500, 1)


def test_no_room_is_kept_for_what_is_only_announced():
    async def make_room():
        raise AssertionError

    request = Arriving((0, b"x" * 100), (60, b"x" * 400), length="500")
    with pytest.raises(RequestError, match="too slowly"):
        anyio.run(bodies.read, request, LIMITS, make_room)


def test_too_long_a_body():
    for request in (Arriving(length="1001"), Arriving((0, b"x" * 600), (0, b"x" * 600))):
        with pytest.raises(RequestError, match="longer than 1,000 bytes") as refused:
            read(request)
        assert refused.value.status == 413
