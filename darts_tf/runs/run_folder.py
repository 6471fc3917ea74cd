"""The folder of a run: everything that a search or a training writes down."""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import tempfile
import weakref

from darts_tf.common import files, json_text, reading
from darts_tf.common.errors import UserError
from darts_tf.runs.settings import Changeable

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
        changeable: which settings may be others when the run goes on. None by default.

    Attributes:
        path: where files are written to.
        checkpoints: the folder of the checkpoints, the same for all workers.
        resumed: whether the folder held this run already.
        finished: whether it held this run's `result.json` already. A finished run that is extended
            is not finished any more: its result becomes `result_EPOCHS_epochs.json` or so.
        extended: the settings that have been raised so far, JSON-ready, first ones first: which,
            what it was and is, and how many epochs or candidates were there already. They are in
            `extensions.json`.

    Raises:
        UserError: the folder cannot be written, another process is writing to it, or it holds files
            of something else, or a run with other settings; the message names the first difference.
    """

    _fresh: weakref.WeakSet = weakref.WeakSet()

    def __init__(
        self, path, config: dict, writes: bool = True, changeable: Changeable | None = None
    ):
        self.path = pathlib.Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.finished = os.path.exists(self.path / "result.json")
        config = json.loads(json.dumps(config))
        self._names = set()
        self._made = []
        if writes:
            self._create()
        before = self.read_json("config.json")
        self.resumed = before is not None
        extensions = []
        if self.resumed:
            changeable = changeable or Changeable()
            self._refuse_other_settings(before, config, changeable)
            extensions = changeable.extensions(before, config) if self._begun() else []
            self._refuse_lost_checkpoints(extensions)
        elif writes and any(self.path.iterdir()):
            raise UserError(
                f"--output_dir={self.path} holds files but no run of this program; "
                "give a new or an empty folder"
            )
        self.finished = self.finished and not extensions
        self.extended = self._extended(extensions)
        if not writes:
            self._temporary = files.temporary_folder()
            self.path = pathlib.Path(self._temporary.name)
        elif before != config:
            if not self.resumed:
                self._fresh.add(self)
            if extensions:
                self._extend(extensions)
            self.write_json("config.json", config)
            if not self._begun():
                self.write_json("versions.json", versions())

    def _refuse_other_settings(self, before, config, changeable):
        # A start that was refused, for a bad flag perhaps, must not occupy the folder.
        replaceable = before.get("program") == config.get("program") and not self._begun()
        if replaceable or (difference := changeable.difference(before, config)) is None:
            return
        raise UserError(
            f"--output_dir={self.path} holds a run with other settings: "
            f"{difference}. Give the same settings to go on with it, or another folder"
        )

    def _refuse_lost_checkpoints(self, extensions):
        """A run whose epochs are known but whose variables are not cannot become longer."""
        lost = (self.path / "metrics.jsonl").exists() and not any(self.checkpoints.glob("*.index"))
        if extensions and lost:
            setting, before, now = extensions[0]
            raise UserError(
                f"--output_dir={self.path} holds a run of {before} {setting} without checkpoints, "
                f"so it cannot go on to {now}. Give another folder"
            )

    def _extended(self, extensions) -> list[dict]:
        """All extensions of this run, with these, the newest."""
        known = self.read_json("extensions.json") or []
        done = 0
        for name in ("metrics.jsonl", "candidates.jsonl"):
            if (self.path / name).exists():
                done = len((self.path / name).read_text().splitlines())
        new = [{**extension._asdict(), "done": done} for extension in extensions]
        # They are known already where a start was killed before it wrote the settings.
        return [*known, *(extension for extension in new if extension not in known)]

    def _extend(self, extensions):
        """Makes a run with larger settings of this one, in an order that may stop anywhere."""
        for setting, before, _ in extensions:
            if (self.path / "result.json").exists():
                old = self.path / "result.json"
                old.replace(old.with_name(f"result_{before}_{setting}.json"))
        self.write_json("extensions.json", self.extended)

    def _begun(self) -> bool:
        return has_begun(self.path)

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
        """Writes a JSON file in one piece; numbers that are not finite are null in it."""
        self.write(name, json_text.dumps(value, indent=2) + "\n")

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
            return reading.read_json(path)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read {path}: {error}; give another --output_dir") from error


def has_begun(path) -> bool:
    """Whether a run has computed anything in a folder: a checkpoint, epoch, trial or result."""
    names = (
        *("checkpoints/**/*.index", "metrics.jsonl", "candidates.jsonl", "result.json"),
        "tuner/**/trial.json",
    )
    # Before a glob, which fails where a name is too long.
    if not os.path.isdir(path):
        return False
    return any(True for name in names for _ in pathlib.Path(path).glob(name))


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
