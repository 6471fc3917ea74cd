"""The folder of a run: everything that a search or a training writes down."""

import importlib.metadata
import json
import os
import pathlib
import platform
import tempfile

from darts_tf.errors import UserError

_PACKAGES = ("darts_tf", "tensorflow", "keras", "numpy", "tensorflow-datasets")


class RunFolder:
    """A folder that is created, or found again with the same settings so that its run goes on.

    Files appear whole or not at all. `config.json` holds the settings and `versions.json` what
    they ran on; a run with other settings is refused, never overwritten, unless it has computed
    nothing yet.

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
        UserError: the folder cannot be written, holds files of something else, or a run with other
            settings; the message names the first difference.
    """

    def __init__(self, path, config: dict, writes: bool = True):
        self.path = pathlib.Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.finished = (self.path / "result.json").exists()
        config = json.loads(json.dumps(config))
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
        names = ("checkpoints/**/*.index", "metrics.jsonl", "candidates.jsonl", "result.json")
        return any(True for name in names for _ in self.path.glob(name))

    def _create(self):
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".writable"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"cannot write to --output_dir={self.path}: {error.strerror}; "
                "give a folder that you may write to"
            ) from error

    def file(self, name: str) -> pathlib.Path:
        """The path of a file in the folder."""
        return self.path / name

    def write(self, name: str, content: str | bytes) -> None:
        """Writes a file in one piece; see `write_file`."""
        write_file(self.path / name, content)

    def write_json(self, name: str, value) -> None:
        """Writes a JSON file in one piece."""
        self.write(name, json.dumps(value, indent=2) + "\n")

    def write_model(self, model, name: str) -> None:
        """Saves a Keras model in one piece.

        Raises:
            UserError: the file system does not take it.
        """
        temporary = self.path / f"unfinished_{name}"
        try:
            model.save(temporary)
            os.replace(temporary, self.path / name)
        except OSError as error:
            raise UserError(f"cannot write {self.path / name}: {error}") from error

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


def write_file(path, content: str | bytes) -> None:
    """Writes a file in one piece: it is never seen half-written.

    Raises:
        UserError: the file system does not take it; a file that was there before is intact.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}") from error


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
