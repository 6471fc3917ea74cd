import csv
import json
import sys

import pytest
from PIL import Image

from darts_tf.benchmark import growth
from darts_tf.benchmark.comparison import Configuration
from darts_tf.benchmark.measurement import Measurement
from darts_tf.common.errors import UserError


def cost(point):
    return point["cells"] * point["channels"] * point["batch_size"] / 1000


def run_of(point):
    return Measurement([cost(point)] * 2, 20.0, int(cost(point) * 1e9), 7, "none", 2)


def test_points_change_one_size_at_a_time():
    points = growth.IMAGES.points()
    names = [growth.name(point) for point in points]
    assert len(set(names)) == len(names) == 11
    assert "--cells=20 --channels=16 --batch_size=16" in names
    assert "--cells=8 --channels=16 --batch_size=96" in names
    for point in points:
        assert sum(point[k] != growth.IMAGES.base[k] for k in point) <= 1
    assert cost(points[0]) == min(map(cost, points))


def test_points_of_texts():
    names = [growth.name(point) for point in growth.TEXTS.points()]
    assert len(set(names)) == len(names) == 7
    assert names[-1] == "--channels=300 --bptt=35 --batch_size=64"
    assert "--channels=75 --bptt=35 --batch_size=64" in names


def test_measure_goes_on_where_it_stopped(tmp_path, monkeypatch):
    points = growth.IMAGES.points()[:3]
    monkeypatch.setattr(growth.Grid, "points", lambda grid: points)
    by_name, started = {growth.name(p): p for p in points}, []

    def configure(name):
        started.append(name)
        code = f"print({json.dumps(run_of(by_name[name]).to_dict())!r})"
        return Configuration(name, [sys.executable, "-c", code if len(started) != 3 else "1 / 0"])

    path, lines = tmp_path / "growth.json", []
    with pytest.raises(UserError, match="ZeroDivisionError"):
        growth.measure(growth.IMAGES, configure, {"flags": ["a"]}, path, lines.append)
    results = growth.measure(growth.IMAGES, configure, {"flags": ["a"]}, path, lines.append)
    assert started == [*by_name, started[2]] and len(lines) == 3
    assert results == {name: run_of(point) for name, point in by_name.items()}
    with pytest.raises(UserError, match="was measured with other flags"):
        growth.measure(growth.IMAGES, configure, {"flags": ["b"]}, path, lines.append)


def test_csv_and_plot(tmp_path):
    results = {growth.name(p): run_of(p) for p in growth.IMAGES.points()[1:]}
    growth.write_csv(growth.IMAGES, results, tmp_path / "growth.csv")
    rows = list(csv.DictReader((tmp_path / "growth.csv").open()))
    assert len(rows) == 10
    (row,) = (row for row in rows if row["cells"] == "20")
    assert float(row["step_seconds"]) == float(row["peak_memory_gb"]) == 5.12
    assert row["estimated_memory_gb"] == "" and row["weights"] == "7"
    growth.plot(growth.IMAGES, results, tmp_path / "growth.png")
    with Image.open(tmp_path / "growth.png") as image:
        assert image.size == (1350, 1050)


def test_no_point_is_outside_the_plot():
    """The largest step and memory are those of the last column."""
    values = {growth.name(point): point["batch_size"] for point in growth.IMAGES.points()}
    results = {
        name: Measurement([float(size)], 1.0, size * 10**9, 1, "none", 2)
        for name, size in values.items()
    }
    drawn = growth.figure(growth.IMAGES, results)
    lines = [line for axis in drawn.axes for line in axis.lines if line.get_marker() == "o"]
    assert len(lines) == 9
    for line in lines:
        low, high = line.axes.get_ylim()
        assert (low <= line.get_ydata()).all() and (line.get_ydata() <= high).all()
    assert max(line.get_ydata().max() for line in lines) == 96
