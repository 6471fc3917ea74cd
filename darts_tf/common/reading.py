"""Reading files that a user names: they may be anything, and damaged in any way."""

import errno
import json
import os
import pathlib
import stat


def check_regular(path) -> None:
    """Refuses what would let a reader wait or read for ever.

    Raises:
        OSError: it is missing, or a pipe, a device or a socket.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is a pipe, a device or a socket, not a file", str(path))


def read_text(path, encoding: str = "utf-8") -> str:
    """The text of a file.

    Raises:
        OSError: it is missing, or no file.
        UnicodeDecodeError: it is no text.
    """
    check_regular(path)
    return pathlib.Path(path).read_text(encoding=encoding)


def parse_json(text: str):
    """The value that JSON text stands for.

    Raises:
        ValueError: it is no JSON, or nested too deeply for Python.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path):
    """The value in a JSON file.

    Raises:
        OSError: it is missing, or no file.
        ValueError: it holds no JSON.
    """
    return parse_json(read_text(path))


def read_json_lines(path) -> list:
    """The values in a file of JSON lines; none if it is missing.

    Raises:
        OSError: it cannot be read.
        ValueError: a line holds no JSON.
    """
    if not os.path.exists(path):
        return []
    return [parse_json(line) for line in read_text(path).splitlines()]
