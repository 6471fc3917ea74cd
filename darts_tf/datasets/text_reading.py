"""Bytes that should be a text in UTF-8, and what is said where they are not."""

import pathlib
import re

from absl import logging

from darts_tf.common import reading
from darts_tf.common.errors import UserError
from darts_tf.datasets.source import check_memory

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The bytes, the text, its code points and the numbers of its characters: at most so many bytes of
# memory for one of the file.
_MEMORY = 14


def read_text(path) -> str:
    """The text of a file, with line ends as `decode` makes them.

    Raises:
        UserError: the file is missing, no file, larger than the memory, or no text.
    """
    path = pathlib.Path(path)
    try:
        reading.check_regular(path)
        check_size(path.stat().st_size, str(path))
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(f"cannot read the text {path}: {error.strerror}") from error


def check_size(size: int, name: str) -> None:
    """Refuses a text of `size` bytes that does not fit into memory.

    Raises:
        UserError: it does not.
    """
    check_memory(_MEMORY * size, name, "give a part of the text")


def decode(content: bytes, name: str) -> str:
    """The text of bytes in UTF-8; every line ends with a line feed, or the text.

    A mark of the byte order is left out, and the line ends of Windows and of old Macs become line
    feeds, both of which the log says.

    Args:
        content: of a file, say.
        name: of it, for messages.

    Raises:
        UserError: they are not UTF-8, or hold a byte zero, which no text has.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name} is no text in UTF-8: byte {error.start:,} (line "
            f"{_line(content, error.start):,}) is 0x{content[error.start]:02x}; convert it, for "
            "example by: iconv -f latin1 -t utf-8"
        ) from error
    if (zero := content.find(b"\0")) >= 0:
        raise UserError(
            f"{name} is no text: byte {zero:,} (line {_line(content, zero):,}) is zero; give a "
            "text in UTF-8, not in UTF-16 and no other kind of file"
        )
    if content.startswith(_BYTE_ORDER_MARK):
        logging.info("%s begins with a mark of the byte order, which is left out", name)
        text = text[1:]
    if "\r" in text:
        text, count = re.subn("\r\n?", "\n", text)
        logging.info("%s: %d line ends with a carriage return become line feeds", name, count)
    return text


def _line(content, position) -> int:
    return content.count(b"\n", 0, position) + 1
