"""Newer versions of a served model, which take its place while it runs."""

import asyncio
import contextlib
import logging
from pathlib import Path

from darts_tf.common.errors import UserError, reason
from darts_tf.serving import versions
from darts_tf.serving.metrics import Metrics
from darts_tf.serving.models import Models


class VersionWatch:
    """Looks at a model's folder now and then, and answers by its newest version.

    A version that cannot be loaded is named in the log, once until its files change, and the one
    that answers goes on. So it does if all versions are gone. If only its own is, the newest of the
    others takes its place.

    Args:
        models: what answers.
        directory: the folder given to the export.
        load: makes a model of a version's folder.
        seconds: the time between two looks; 0 for none.
        metrics: counts what is loaded.
    """

    def __init__(self, models: Models, directory, load, seconds: float, metrics: Metrics):
        self._models, self._directory = models, Path(directory)
        self._load, self._seconds, self._metrics = load, seconds, metrics
        self._log = logging.getLogger("uvicorn.error")
        self._task: asyncio.Task | None = None
        self._broken: dict[Path, tuple] = {}
        self._unseen: str | None = None
        folder, number = versions.find(directory)
        # A newer one may have come while the one that answers was loaded.
        loaded = number == models.current.version
        self._served = (folder, _stamp(folder) if loaded else None)

    async def start(self) -> None:
        """Begins to look, unless one version only was asked for."""
        if self._seconds and self._served[0] != self._directory:
            self._task = asyncio.create_task(self._look_again_and_again())

    async def stop(self, seconds: float) -> None:
        """Looks no more."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """Looks once."""
        for number, folder, stamp in await asyncio.to_thread(_newest_first, self._directory):
            if (folder, stamp) == self._served:
                return
            if self._broken.get(folder) == stamp:
                continue
            try:
                model = await asyncio.to_thread(self._load, folder)
            except Exception as error:
                self._broken[folder] = stamp
                why = str(error) if isinstance(error, UserError) else reason(error)
                current = self._models.current
                self._metrics.load(current.name, "broken")
                self._log.error(
                    f"version {number} in {folder} is not served: {why}; version "
                    f"{current.version} goes on"
                )
                continue
            self._served = (folder, stamp)
            self._models.replace(model)
            self._metrics.load(model.name, "loaded")
            self._metrics.version(model.name, model.version)
            print(f"serving {model.name} version {model.version} from now on", flush=True)
            return

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.look()
                self._unseen = None
            except OSError as error:
                # The folder may be away for hours, and is said to be once.
                why = reason(error)
                if why != self._unseen:
                    self._log.warning(f"{self._directory} cannot be looked at: {why}")
                self._unseen = why


def _newest_first(directory: Path) -> list[tuple[int, Path, tuple]]:
    found = versions.find_all(directory)
    return [(number, found[number], _stamp(found[number])) for number in sorted(found)[::-1]]


def _stamp(folder: Path) -> tuple:
    """What changes when the files of a version do."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(path, path.stat()) for path in files]
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)
