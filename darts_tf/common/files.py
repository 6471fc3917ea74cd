"""Files that are written whole or not at all, and folders that one process writes to at a time."""

import contextlib
import errno
import fcntl
import os
import pathlib
import tempfile
import uuid
import weakref

from darts_tf.common import errors
from darts_tf.common.errors import UserError

#: What the names of unfinished files begin with: hidden, and different in every process.
UNFINISHED = ".part-"

_OWN = []
_UNFINISHED = set()
_TEMPORARY = weakref.WeakSet()

# What a file system says that has no room left, or lets nobody write.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@contextlib.contextmanager
def whole(path):
    """A file that appears in one piece: nobody sees it half-written, whoever writes beside.

    Its content is on the disk before it gets its name, so that no power cut leaves an empty file.

    Args:
        path: its final name. A file that has it already stays intact until the new one is complete.

    Yields:
        The path to write to: in the same folder, unlike any other, with the same suffixes. It gets
        its final name when the block ends, and is removed if the block raises.

    Raises:
        UserError: the file system does not take it.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f"{UNFINISHED}{uuid.uuid4().hex[:12]}-{path.name}")
    _UNFINISHED.add(temporary)
    try:
        yield temporary
        _to_disk(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        _UNFINISHED.discard(temporary)


def _to_disk(path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot say when.
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)


def write(path, content: str | bytes) -> None:
    """Writes a file in one piece.

    Raises:
        UserError: the file system does not take it; a file that was there before is intact.
    """
    with whole(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def make_folder(path) -> pathlib.Path:
    """Makes a folder and those above it, where they are missing; returns its path.

    Raises:
        UserError: the file system does not take it.
    """
    path = pathlib.Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {reason(error)}") from error
    return path


def temporary_folder(parent=None) -> tempfile.TemporaryDirectory:
    """A folder that goes with the object, or with `remove_temporary`.

    Args:
        parent: the folder that it is in; None for the system's.
    """
    folder = tempfile.TemporaryDirectory(dir=parent)
    _TEMPORARY.add(folder)
    return folder


def remove_temporary() -> None:
    """Removes unfinished files and temporary folders, for a process that ends at once."""
    for path in list(_UNFINISHED):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    for folder in list(_TEMPORARY):
        with contextlib.suppress(OSError):
            folder.cleanup()


def missing_folders(path) -> list[pathlib.Path]:
    """Which of a folder and those above it do not exist, the innermost first."""
    path, missing = pathlib.Path(path), []
    while not os.path.exists(path):
        missing.append(path)
        path = path.parent
    return missing


def remove_empty(folders) -> None:
    """Removes folders, the innermost first, as far as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def own_folder(path) -> pathlib.Path:
    """Makes a folder, if it is missing, that this process alone writes to until it ends.

    Raises:
        UserError: the file system does not take it, or another process is writing to it.
    """
    path = make_folder(path)
    _OWN.append(Lock(path))
    return path


def reason(error: BaseException) -> str:
    """The operating system's reason, in a few words and without names of files."""
    number = getattr(error, "errno", None)
    if number and number > 0:
        return os.strerror(number)
    # Libraries put it into sentences of their own.
    text = str(error)
    return next((os.strerror(n) for n in _FULL if os.strerror(n) in text), errors.reason(error))


def cannot_write(error: BaseException) -> str | None:
    """The message for an error that says that files cannot be written; None for any other.

    For the writers of other libraries, which raise what they like when a disk is full.
    """
    said = reason(error)
    if said not in map(os.strerror, _FULL):
        return None
    name = getattr(error, "filename", None)
    return f"cannot write {name}: {said}" if name else f"cannot write a file: {said}"


@contextlib.contextmanager
def named(what):
    """Says what could not be written, where another library says that the disk is full.

    Args:
        what: that is written in the block.

    Raises:
        UserError: instead of what that library raises; its other errors stay.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, UserError) or cannot_write(error) is None:
            raise
        raise UserError(f"cannot write {what}: {reason(error)}") from error


class Lock:
    """Makes this process the only one that writes to a folder, until it ends or drops the lock.

    The system releases the lock with the process, however that ends; nothing is left in the folder.
    Within a process the same folder can be locked again. On file systems without locks there is
    none.

    Args:
        folder: one that exists.
        name: what to call it in the message.

    Raises:
        UserError: another process holds the lock.
    """

    def __init__(self, folder, name: str | None = None):
        self._held = _Held.of(folder, name or str(folder))


class _Held:
    """The lock of a process on a folder."""

    _all: weakref.WeakValueDictionary = weakref.WeakValueDictionary()

    def __init__(self, descriptor: int):
        weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, folder, name: str) -> "_Held":
        descriptor = os.open(folder, os.O_RDONLY)
        status = os.fstat(descriptor)
        key = os.getpid(), status.st_dev, status.st_ino
        if (held := cls._all.get(key)) is not None:
            os.close(descriptor)
            return held
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise UserError(
                f"{name} is in use: another process is writing to it. Wait until it has ended, or "
                "give another folder"
            ) from None
        except OSError:
            # A file system that has no such locks.
            pass
        held = cls._all[key] = cls(descriptor)
        return held
