"""New versions of a model that is served."""

import asyncio
import weakref

import numpy as np
import pytest

from darts_tf.common.errors import UserError
from darts_tf.serving.metrics import Metrics
from darts_tf.serving.models import Models
from darts_tf.serving.version_watch import VersionWatch


class Model:
    """A folder whose file says what it answers, or that it is broken."""

    name = "tiny"

    def __init__(self, folder):
        self.answer = (folder / "saved_model.pb").read_text()
        if self.answer == "broken":
            raise UserError(f"{folder} cannot be loaded")
        if self.answer == "gone":
            raise KeyError("graph")
        self.version = int(folder.name)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, 1, "one")
    return tmp_path


def write(folder, number, text):
    (folder / str(number) / "variables").mkdir(parents=True, exist_ok=True)
    (folder / str(number) / "saved_model.pb").write_text(text)


def make(folder, seconds=0.0, start=1):
    models, metrics = Models(Model(folder / str(start))), Metrics()
    return models, metrics, VersionWatch(models, folder, Model, seconds, metrics)


def look(watch):
    asyncio.run(watch.look())


def test_the_newest_version_takes_over(folder, capsys):
    models, metrics, watch = make(folder)
    look(watch)
    assert capsys.readouterr().out == ""
    first = weakref.ref(models.current)
    write(folder, 2, "two")
    write(folder, 10, "ten")
    look(watch)
    assert (models.current.version, models.current.answer) == (10, "ten")
    assert first() is None
    assert capsys.readouterr().out == "serving tiny version 10 from now on\n"
    assert 'darts_model_version{model="tiny"} 10.0' in metrics.text().decode()
    look(watch)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["broken", "gone"])
def test_a_broken_version_is_named_once_and_the_old_one_goes_on(folder, caplog, kind):
    models, metrics, watch = make(folder)
    first = models.current
    write(folder, 2, kind)
    for _ in range(3):
        look(watch)
    assert models.current is first
    (record,) = caplog.records
    assert f"version 2 in {folder / '2'} is not served" in record.getMessage()
    assert "version 1 goes on" in record.getMessage()
    line = 'darts_model_loads_total{model="tiny",outcome="broken"} 1.0'
    assert line in metrics.text().decode()
    # Whatever comes late, as in a copy that takes a while, is tried again.
    (folder / "2" / "saved_model.pb").write_text("whole")
    look(watch)
    assert models.current.answer == "whole"


def test_the_next_but_broken_one(folder):
    models, _, watch = make(folder)
    write(folder, 2, "two")
    write(folder, 3, "broken")
    look(watch)
    assert models.current.version == 2


def test_a_version_that_is_written_again_is_loaded_again(folder):
    models, _, watch = make(folder)
    write(folder, 1, "one, but better")
    look(watch)
    assert models.current.answer == "one, but better"


def test_a_version_that_is_taken_away_gives_way_to_the_one_before(folder):
    write(folder, 2, "two")
    models, _, watch = make(folder, start=2)
    (folder / "2" / "saved_model.pb").unlink()
    look(watch)
    assert models.current.version == 1
    (folder / "1" / "saved_model.pb").unlink()
    look(watch)
    assert models.current.version == 1


def test_a_version_that_comes_while_the_first_one_is_loaded(folder):
    models = Models(Model(folder / "1"))
    write(folder, 2, "two")
    watch = VersionWatch(models, folder, Model, 0, Metrics())
    look(watch)
    assert models.current.answer == "two"


def test_it_looks_again_and_again_until_it_is_stopped(folder, caplog):
    async def main():
        models, _, watch = make(folder, seconds=0.02)
        await watch.start()
        write(folder, 2, "two")
        async with asyncio.timeout(10):
            while models.current.version == 1:
                await asyncio.sleep(0.01)
        moved = folder.rename(folder.with_name("away"))
        async with asyncio.timeout(10):
            while not caplog.records:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        moved.rename(folder)
        write(folder, 3, "three")
        async with asyncio.timeout(10):
            while models.current.version == 2:
                await asyncio.sleep(0.01)
        await watch.stop(1)
        write(folder, 4, "four")
        await asyncio.sleep(0.1)
        assert models.current.version == 3

    asyncio.run(main())
    (record,) = caplog.records
    assert "cannot be looked at" in record.getMessage()


@pytest.mark.parametrize(("seconds", "itself"), [(0, False), (0.01, True)])
def test_where_it_does_not_look(folder, seconds, itself):
    async def main():
        models = Models(Model(folder / "1"))
        directory = folder / "1" if itself else folder
        watch = VersionWatch(models, directory, Model, seconds, Metrics())
        await watch.start()
        write(folder, 2, "two")
        await asyncio.sleep(0.1)
        await watch.stop(1)
        assert models.current.version == 1

    asyncio.run(main())


def test_a_real_export(served_model, export_directory, tmp_path):
    """The old version is out of memory when the new one answers."""
    import shutil

    from darts_tf.serving import served

    shutil.copytree(export_directory, tmp_path / "model")
    models = Models(served.load(tmp_path / "model", "tiny"))
    load = lambda folder: served.load(folder, "tiny")  # noqa: E731
    watch = VersionWatch(models, tmp_path / "model", load, 0, Metrics())
    old = weakref.ref(models.current)
    shutil.copytree(tmp_path / "model" / "1", tmp_path / "model" / "2")
    look(watch)
    assert old() is None and models.current.version == 2
    images = np.zeros([1, 8, 8, 1], np.uint8)
    found, expected = (
        model.predict("serving_default", {"images": images})["probabilities"]
        for model in (models.current, served_model)
    )
    np.testing.assert_array_equal(found, expected)
