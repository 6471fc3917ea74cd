"""The folder of a run: everything that a search or a training writes down."""

import contextlib
import importlib.metadata
import json
import pathlib
import platform
import shutil
import tempfile
import weakref

from darts_tf import files
from darts_tf.errors import UserError

#: See `files.write`.
write_file = files.write

_PACKAGES = ("darts_tf", "tensorflow", "keras", "numpy", "tensorflow-datasets")


class RunFolder:
    """A folder that is created, or found again with the same settings so that its run goes on.

    Files appear whole or not at all. `config.json` holds the settings and `versions.json` what
    they ran on; a run with other settings is refused, never overwritten, unless it has computed
    nothing yet. As long as this object lives no other process can have the folder, except for
    workers that are not the chief; see `files.Lock`.

    Args:
        path: the folder.
        config: settings that decide the result, JSON-ready.
        writes: False for a worker that is not the chief. It checks the settings too, and what it
            writes goes to a temporary folder.

    Attributes:
        path: where files are written to.
        checkpoints: the folder of the checkpoints, the same for all workers.
        resumed: whether the folder held this run already.
        finished: whether it held this run's `result.json` already.

    Raises:
        UserError: the folder cannot be written, another process is writing to it, or it holds files
            of something else, or a run with other settings; the message names the first difference.
    """

    _fresh: weakref.WeakSet = weakref.WeakSet()

    def __init__(self, path, config: dict, writes: bool = True):
        self.path = pathlib.Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.finished = (self.path / "result.json").exists()
        config = json.loads(json.dumps(config))
        self._names = set()
        self._made = []
        if writes:
            self._create()
        before = self.read_json("config.json")
        self.resumed = before is not None
        if self.resumed:
            self._refuse_other_settings(before, config)
        elif writes and any(self.path.iterdir()):
            raise UserError(
                f"--output_dir={self.path} holds files but no run of this program; "
                "give a new or an empty folder"
            )
        if not writes:
            self._temporary = tempfile.TemporaryDirectory()
            self.path = pathlib.Path(self._temporary.name)
        elif before != config:
            if not self.resumed:
                self._fresh.add(self)
            self.write_json("config.json", config)
            self.write_json("versions.json", versions())

    def _refuse_other_settings(self, before, config):
        # A start that was refused, for a bad flag perhaps, must not occupy the folder.
        replaceable = before.get("program") == config.get("program") and not self._begun()
        if before == config or replaceable:
            return
        raise UserError(
            f"--output_dir={self.path} holds a run with other settings: "
            f"{first_difference(before, config)}. Give the same settings to go on with it, or "
            "another folder"
        )

    def _begun(self) -> bool:
        """Whether anything was computed here: a checkpoint, an epoch, a candidate, a result."""
        names = (
            *("checkpoints/**/*.index", "metrics.jsonl", "candidates.jsonl", "result.json"),
            "tuner/**/trial.json",
        )
        return any(True for name in names for _ in self.path.glob(name))

    def _create(self):
        try:
            self._made = files.missing_folders(self.path)
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = files.Lock(self.path, f"--output_dir={self.path}")
            with tempfile.TemporaryFile(dir=self.path):
                pass
            # What a process left behind that was killed while it wrote.
            for path in self.path.glob(f"{files.UNFINISHED}*"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot write to --output_dir={self.path}: {error.strerror}; "
                "give a folder that you may write to"
            ) from error

    @classmethod
    def remove_unbegun(cls) -> None:
        """Removes what runs of this process have written that began here and computed nothing.

        For a run that is refused after it has made its folder.
        """
        for folder in list(cls._fresh):
            folder._remove_unless_begun()

    def _remove_unless_begun(self):
        self._fresh.discard(self)
        if self._begun():
            return
        pictures = {path.name for path in self.path.glob("cell_*.*")}
        with contextlib.suppress(OSError):
            for name in self._names | pictures:
                path = self.path / name
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            files.remove_empty(self._made)

    def file(self, name: str) -> pathlib.Path:
        """The path of a file in the folder."""
        if name:
            self._names.add(pathlib.PurePath(name).parts[0])
        return self.path / name

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file in one piece; see `files.write`."""
        files.write(self.file(name), content)

    def write_json(self, name: str, value) -> None:
        """Writes a JSON file in one piece."""
        self.write(name, json.dumps(value, indent=2) + "\n")

    def write_model(self, model, name: str) -> None:
        """Saves a Keras model in one piece.

        Raises:
            UserError: the file system does not take it.
        """
        with files.whole(self.file(name)) as temporary:
            model.save(temporary)

    def read_json(self, name: str):
        """The content of a JSON file, or None if there is no such file.

        Raises:
            UserError: the file is damaged.
        """
        path = self.path / name
        if not path.exists():
            return None
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read {path}: {error}; give another --output_dir") from error


def first_difference(before: dict, now: dict) -> str | None:
    """Names the first setting that has changed and both values; None if none has."""
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            return f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
    return None


def versions() -> dict[str, str]:
    """Python, the platform, and those packages that decide what a run computes."""
    found = {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
