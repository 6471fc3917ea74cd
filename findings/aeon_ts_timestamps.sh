#!/usr/bin/env bash
# aeon 1.6.0: load_from_ts_file reads the values of a .ts file with "@timestamps true" by looking for
# digits, a point and digits in the text. So it drops the sign of every value and its exponent, leaves
# out every value without a point, and takes times with a point for values; nothing is said. Without
# timestamps the same values are read rightly. sktime 1.2.0, from which aeon was forked and whose format
# it is, reads both files alike. Two series that differ in their signs alone, of different classes, become
# equal, and a classifier trained on them sees one input with two labels. Temperatures below zero,
# normalized series and residuals are all hit; that a whole number shortens a series by one step shows
# only where the others have none.
#
# Seen (numpy 2.3.5, pandas 3.0.6, x86-64): (0,-1.5),(1,0.25),(2,-3.75) is 1.5, 0.25, 3.75; 1.5e-05 is 1.5;
# (0,7),(1,0.25),(2,3.75) is 0.25, 3.75; (0.0,7.5),(0.5,2.5) is 0.0, 7.5, 0.5, 2.5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aeon==1.6.0 sktime==1.2.0 numpy==2.3.5 \
  pandas==3.0.6 scipy==1.17.1 scikit-learn==1.9.1 numba==0.63.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import aeon
import numpy as np
import sktime
from aeon.datasets import load_from_ts_file
from sktime.datasets import load_from_tsfile

print("aeon", aeon.__version__, "sktime", sktime.__version__)
HEADER = """@problemName Weather
@timestamps {}
@missing false
@univariate true
@equalLength true
@seriesLength {}
@classLabel true cold hot
@data
"""


def written(series, times):
    """The text of a .ts file: lists of numbers as text, and the times of their steps or None."""
    lines = [HEADER.format("false" if times is None else "true", len(series[0]))]
    for values, label in zip(series, ("cold", "hot")):
        if times is not None:
            values = [f"({time},{value})" for time, value in zip(times, values)]
        lines.append(",".join(values) + f":{label}\n")
    return "".join(lines)


def read(series, times):
    with open("weather.ts", "w") as file:
        file.write(written(series, times))
    by_aeon, labels = load_from_ts_file("weather.ts")
    assert labels.tolist() == ["cold", "hot"]
    try:
        table, labels = load_from_tsfile("weather.ts", return_y=True, return_data_type="nested_univ")
    except ValueError as error:  # Times with a point are dates to it.
        return by_aeon[:, 0].tolist(), type(error).__name__
    assert labels.tolist() == ["cold", "hot"]
    return by_aeon[:, 0].tolist(), [np.asarray(cell, float).tolist() for cell in table.iloc[:, 0]]


def shown(name, series, times):
    by_aeon, by_sktime = read(series, times)
    print(f"{name}: written {series[0]}, aeon {by_aeon[0]}, sktime", end=" ")
    print(by_sktime if isinstance(by_sktime, str) else by_sktime[0])
    return by_aeon, by_sktime


HOURS = [f"2026-01-11 {hour}:00:00" for hour in (17, 18, 19)]
signed = [["-1.5", "0.25", "-3.75"], ["1.5", "0.25", "3.75"]]
right = [[float(value) for value in values] for values in signed]
by_aeon, by_sktime = shown("no timestamps", signed, None)
assert by_aeon == by_sktime == right
for name, times in (("steps", range(3)), ("dates", HOURS)):
    by_aeon, by_sktime = shown(name, signed, times)
    assert by_sktime == right, "changed: sktime"
    assert by_aeon == [right[1], right[1]], "changed: aeon keeps signs"

by_aeon, by_sktime = shown("exponents", [["1.5e-05", "2.5"], ["2.0e+03", "2.5"]], range(2))
assert by_sktime == [[1.5e-05, 2.5], [2000.0, 2.5]], "changed: sktime"
assert by_aeon == [[1.5, 2.5], [2.0, 2.5]], "changed: aeon keeps exponents"
by_aeon, by_sktime = shown("whole numbers", [["7", "0.25", "3.75"], ["1", "0.25", "3.75"]], range(3))
assert by_sktime == [[7.0, 0.25, 3.75], [1.0, 0.25, 3.75]], "changed: sktime"
assert by_aeon == [[0.25, 3.75]] * 2, "changed: aeon keeps whole numbers"
by_aeon, by_sktime = shown("times with a point", [["7.5", "2.5"], ["1.5", "2.5"]], (0.0, 0.5))
assert isinstance(by_sktime, str), "changed: sktime takes them"
assert by_aeon[0] == [0.0, 7.5, 0.5, 2.5], "changed: aeon tells times from values"
print("as described")
PYTHON
