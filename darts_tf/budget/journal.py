"""What a search within a budget has done, as JSON lines: all that its next decision depends on."""

import json
import os
import pathlib

from darts_tf.common import files, json_text
from darts_tf.common.errors import UserError


class Journal:
    """The records of a search, in memory and, where there is a path, in a file.

    A record is written to the file's end and handed to the disk before the next step begins. The
    last line of a process that was killed while it wrote is no record and is removed.

    Args:
        path: the file; None for none.

    Attributes:
        records: JSON-ready, the first first.

    Raises:
        UserError: the file cannot be read, or a line that is not the last is no JSON.
    """

    def __init__(self, path=None):
        self._path = None if path is None else pathlib.Path(path)
        self.records = []
        if self._path is not None and self._path.exists():
            self._read()

    def add(self, record: dict) -> None:
        """Writes a record.

        Raises:
            UserError: the file system does not take it.
        """
        line = json_text.dumps(record) + "\n"
        if self._path is not None:
            try:
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise UserError(f"cannot write {self._path}: {files.reason(error)}") from error
        # As a start that goes on reads it.
        self.records.append(json.loads(line))

    def _read(self) -> None:
        try:
            content = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read {self._path}: {error}") from error
        whole, _, rest = content.rpartition("\n")
        for number, line in enumerate(whole.splitlines()):
            try:
                self.records.append(json.loads(line))
            except ValueError as error:
                raise UserError(f"{self._path}, line {number + 1} is damaged: {error}") from error
        if rest:
            files.write(self._path, whole + "\n" if whole else "")
