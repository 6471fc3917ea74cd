"""Writing an export: a folder with its final name is always complete and right."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from darts_tf.common import files
from darts_tf.common.errors import UserError
from darts_tf.export.checks import check_replaceable


class Written(NamedTuple):
    """An export that was written.

    Attributes:
        directory: the version folder.
        size_bytes: the size of all its files.
        found: what the function that wrote it has returned.
    """

    directory: Path
    size_bytes: int
    found: Any


def write_version(
    directory, version: int, overwrite: bool, write: Callable[[Path], Any]
) -> Written:
    """Writes `directory/<version>/`, which gets its name when all of it is there.

    Args:
        directory: the folder that gets the version folder; made if missing.
        version: a whole number from 1.
        overwrite: replace this version if it is there already; until then it stays.
        write: writes into an empty folder, and raises a `UserError` if what it wrote is not right.

    Raises:
        UserError: the version exists and `overwrite` is false, or the folder cannot be written.
    """
    target = Path(directory) / str(version)
    if target.exists():
        check_replaceable(target, overwrite)
    made = files.missing_folders(target.parent)
    # A name without digits only: TensorFlow Serving, which may watch the folder, ignores it.
    temporary = target.parent / f".{version}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
            with files.named(f"the export to {target}"):
                found = write(temporary)
            _install(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            files.remove_empty(made)
    except OSError as error:
        raise UserError(
            f"cannot write the export to {target}: {files.reason(error)}; choose another folder"
        ) from error
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return Written(target, size, found)


@contextlib.contextmanager
def assets(folder: Path, texts: Mapping[str, str | None]) -> Iterator[list[tf.saved_model.Asset]]:
    """Files that a SavedModel which is saved meanwhile holds in its folder `assets`.

    Args:
        folder: of the SavedModel; empty.
        texts: name -> contents, None for no such file.
    """
    sources = folder / "asset_sources"
    yield [tf.saved_model.Asset(str(path)) for path in write_texts(sources, texts)]
    shutil.rmtree(sources)


def write_texts(folder: Path, texts: Mapping[str, str | None]) -> list[Path]:
    """Writes texts by name into a folder, made if missing; those that are None are left out."""
    folder.mkdir(exist_ok=True)
    written = []
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
            written.append(folder / name)
    return written


def _install(temporary, target) -> None:
    """Gives the finished folder its name; an older version leaves only once it is complete."""
    if not target.exists():
        os.rename(temporary, target)
        return
    replaced = temporary.with_suffix(".old")
    os.rename(target, replaced)
    try:
        os.rename(temporary, target)
    except OSError:
        os.rename(replaced, target)
        raise
    shutil.rmtree(replaced)
