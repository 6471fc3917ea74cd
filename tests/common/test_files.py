import errno
import os
import subprocess
import sys

import pytest

from darts_tf.common import files
from darts_tf.common.errors import UserError
from tests.forks import REPOSITORY

HOLDER = """
import sys
from darts_tf.common import files
from darts_tf.common.errors import UserError
try:
    lock = files.Lock(sys.argv[1])
    print("locked", flush=True)
    sys.stdin.read()
except UserError as error:
    print(error, flush=True)
"""


def start_holder(folder):
    """Another process that locks a folder; and what it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    return process, process.stdout.readline()


class TestWhole:
    def test_two_writers_of_one_file(self, tmp_path):
        path = tmp_path / "file.txt"
        with files.whole(path) as first, files.whole(path) as second:
            first.write_text("first")
            second.write_text("second")
            assert first != second and first.suffix == second.suffix == ".txt"
            assert not path.exists()
        assert path.read_text() == "first"
        assert os.listdir(tmp_path) == ["file.txt"]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
    def test_what_is_raised_leaves_the_old_file(self, tmp_path, error):
        files.write(tmp_path / "file.txt", "before")
        with pytest.raises(error), files.whole(tmp_path / "file.txt") as temporary:
            temporary.write_text("half")
            raise error
        assert (tmp_path / "file.txt").read_text() == "before"
        assert os.listdir(tmp_path) == ["file.txt"]

    def test_a_full_disk(self, tmp_path):
        expected = r"cannot write .*file.txt: No space left on device$"
        with (
            pytest.raises(UserError, match=expected),
            files.whole(tmp_path / "file.txt") as temporary,
        ):
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "as the system says it")
        assert not os.listdir(tmp_path)

    def test_the_content_is_on_the_disk_before_the_name(self, tmp_path, monkeypatch):
        path, calls = tmp_path / "file.txt", []

        def synchronize(descriptor):
            calls.append((os.fstat(descriptor).st_size, path.exists()))

        monkeypatch.setattr("os.fsync", synchronize)
        files.write(path, "content")
        assert calls == [(7, False)] and path.read_text() == "content"

    @pytest.mark.parametrize("number, taken", [(errno.EINVAL, True), (errno.ENOSPC, False)])
    def test_a_disk_that_says_no(self, tmp_path, monkeypatch, number, taken):
        def synchronize(descriptor):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.fsync", synchronize)
        if taken:
            files.write(tmp_path / "file.txt", "content")
        else:
            with pytest.raises(UserError, match="cannot write .*: No space left on device$"):
                files.write(tmp_path / "file.txt", "content")
        assert (tmp_path / "file.txt").exists() == taken
        assert len(os.listdir(tmp_path)) == taken

    def test_no_folder(self, tmp_path):
        with pytest.raises(UserError, match="cannot write .*: No such file or directory"):
            files.write(tmp_path / "missing" / "file.txt", "")


def test_make_folder(tmp_path):
    assert files.make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot make the folder .*file/b: Not a directory"):
        files.make_folder(tmp_path / "file" / "b")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "full", "a/b"), "cannot write a/b: No space left on device"),
        (OSError(errno.EFBIG, "big"), "cannot write a file: File too large"),
        (
            RuntimeError("HDF5: [write] failed: No space left on device"),
            "cannot write a file: No space left on device",
        ),
        (OSError(errno.ENOENT, "missing", "a"), None),
        (ValueError("a bug"), None),
    ],
)
def test_cannot_write(error, expected):
    assert files.cannot_write(error) == expected


def test_named():
    expected = "cannot write the logs: No space left on device$"
    with pytest.raises(UserError, match=expected), files.named("the logs"):
        raise RuntimeError("flush failed: No space left on device")
    with pytest.raises(ValueError, match="a bug"), files.named("the logs"):
        raise ValueError("a bug")


def test_folders_that_were_missing(tmp_path):
    missing = files.missing_folders(tmp_path / "a" / "b" / "c")
    assert missing == [tmp_path / "a" / "b" / "c", tmp_path / "a" / "b", tmp_path / "a"]
    missing[0].mkdir(parents=True)
    (tmp_path / "a" / "file").write_text("")
    files.remove_empty(missing)
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "a", tmp_path / "a" / "file"]


class TestLock:
    def test_another_process(self, tmp_path):
        """Refused while this one has it, and free after the end of a process, however it ends."""
        lock = files.Lock(tmp_path)
        process, said = start_holder(tmp_path)
        process.communicate()
        assert said == (
            f"{tmp_path} is in use: another process is writing to it. Wait until it has ended, or "
            "give another folder\n"
        )
        del lock
        process, said = start_holder(tmp_path)
        assert said == "locked\n"
        with pytest.raises(UserError, match="is in use"):
            files.Lock(tmp_path)
        process.kill()
        process.communicate()
        files.Lock(tmp_path)
        assert not os.listdir(tmp_path)

    def test_twice_in_one_process(self, tmp_path):
        first, second = files.Lock(tmp_path), files.Lock(tmp_path)
        del first
        process, said = start_holder(tmp_path)
        process.communicate()
        assert "is in use" in said
        del second
        process, said = start_holder(tmp_path)
        process.communicate("")
        assert said == "locked\n"

    def test_a_file_system_without_locks(self, tmp_path, monkeypatch):
        def none(*_):
            raise OSError(errno.ENOLCK, "no locks")

        monkeypatch.setattr(files.fcntl, "flock", none)
        files.Lock(tmp_path)


def test_temporary_folders():
    first, second = files.temporary_folder(), files.temporary_folder()
    place = first.name
    del first
    assert not os.path.exists(place) and os.path.isdir(second.name)
    files.remove_temporary()
    assert not os.path.exists(second.name)


def test_what_a_process_removes_that_ends_in_the_middle(tmp_path):
    with files.whole(tmp_path / "file.txt") as temporary:
        temporary.write_text("half")
        files.remove_temporary()
        assert not os.listdir(tmp_path)
        temporary.write_text("whole")
