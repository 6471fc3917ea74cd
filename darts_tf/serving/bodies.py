"""Receives the body of a request, within limits of length and time."""

import zlib

import anyio
from starlette.requests import Request

from darts_tf.serving.errors import RequestError
from darts_tf.serving.limits import Limits

#: What bodies may be compressed by.
ENCODINGS = ("gzip", "deflate")


def unpack(limits: Limits, encoding: str, content: bytes) -> bytes:
    """Undoes the compression of a body.

    Args:
        limits: how long it may be afterwards.
        encoding: one of `ENCODINGS`; deflate is that of zlib (RFC 1950), or without its header.
        content: the body.

    Raises:
        RequestError: it is too long, damaged or incomplete.
    """
    raw = encoding == "deflate" and (content[:1] != b"\x78" or int.from_bytes(content[:2]) % 31)
    found = zlib.decompressobj(wbits=-15 if raw else 47)
    try:
        unpacked = found.decompress(content, limits.body_bytes + 1)
    except zlib.error as error:
        raise RequestError(400, f"the body is no valid {encoding}: {error}") from error
    _check(len(unpacked), limits)
    if not found.eof or found.unused_data:
        what = "goes on after its end" if found.eof else "is incomplete"
        raise RequestError(400, f"the body is no valid {encoding}: it {what}")
    return unpacked


async def read(request: Request, limits: Limits, make_room) -> bytes:
    """Returns the body of a request.

    Args:
        request: the request.
        limits: how long it may be and how slowly it may arrive.
        make_room: an asynchronous function without arguments; it is called once when a long body
            has arrived in part, and returns when there is memory for it. Until then the client has
            to wait. (Not when a long one is announced, which costs a client nothing.)

    Raises:
        RequestError: the body is too long or arrives too slowly.
    """
    length = request.headers.get("content-length", "")
    length = int(length) if length.isdecimal() and len(length) < 20 else 0
    _check(length, limits)
    has_room = False
    chunks, size = [], 0
    try:
        with anyio.fail_after(limits.patience_seconds) as scope:
            async for chunk in request.stream():
                size += len(chunk)
                _check(size, limits)
                chunks.append(chunk)
                scope.deadline += len(chunk) / limits.bytes_per_second
                if size > limits.small_bytes and not has_room:
                    has_room = await _wait(scope, make_room)
    except TimeoutError as error:
        raise RequestError(
            408,
            f"the request arrives too slowly: {size:,} bytes in {limits.patience_seconds:g} s and "
            f"more; at least {limits.bytes_per_second:,} bytes a second are expected",
            {"Connection": "close"},
        ) from error
    return b"".join(chunks)


async def _wait(scope, make_room) -> bool:
    """Waits in the server's time, not in the client's."""
    start, scope.deadline, deadline = anyio.current_time(), float("inf"), scope.deadline
    await make_room()
    scope.deadline = deadline + anyio.current_time() - start
    return True


def _check(size: int, limits: Limits) -> None:
    if size > limits.body_bytes:
        raise RequestError(
            413,
            f"the request is longer than {limits.body_bytes:,} bytes; "
            "send fewer or smaller images at a time",
        )
