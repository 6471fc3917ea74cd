"""How much processor time tests take.

    python -m pytest -p tests.times --times=FILE ...    # appends a line of JSON a phase of a test
    python -m tests.times FILE [BEFORE]                 # adds them up by file, beside another run

Unlike the durations that pytest prints, these hardly depend on what else runs on the machine. With
the processes that a test has started and waited for, or that still run; not with those whose parent
has ended before them.
"""

import collections
import json
import os
import sys
import time

import pytest

#: A phase that took less wall time is left out.
LEAST = 0.005


def pytest_addoption(parser):
    parser.addoption("--times", help="file that gets a line of JSON for each phase of each test")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    return (yield from _timed(item, "setup"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    return (yield from _timed(item, "call"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    return (yield from _timed(item, "teardown"))


def _timed(item, phase):
    wall, own, others = time.perf_counter(), os.times(), of_descendants()
    try:
        return (yield)
    finally:
        now, wall = os.times(), time.perf_counter() - wall
        row = {
            "test": item.nodeid,
            "phase": phase,
            "wall": wall,
            "user": now.user - own.user,
            "system": now.system - own.system,
            "others": of_descendants() - others,
        }
        if item.config.option.times and wall >= LEAST:
            row = {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
            # As one write, since several processes append.
            with open(item.config.option.times, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def of_descendants() -> float:
    """Seconds of processor time of the processes below this one, with those that have ended."""
    children, seconds = collections.defaultdict(list), {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:  # It has just ended.
            continue
        children[int(fields[1])].append(int(name))
        own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
        seconds[int(name)] = own, ended
    total, left = seconds[os.getpid()][1], [os.getpid()]
    while left:
        below = children[left.pop()]
        total += sum(sum(seconds[child]) for child in below)
        left += below
    return total / os.sysconf("SC_CLK_TCK")


def by_file(path) -> dict[str, float]:
    """File of tests -> seconds of processor time, the most first."""
    found = collections.Counter()
    with open(path, encoding="utf-8") as file:
        for row in map(json.loads, file):
            name = row["test"].partition("::")[0]
            found[name] += row["user"] + row["system"] + row["others"]
    return dict(found.most_common())


def main(path, before=None):
    now, earlier = by_file(path), by_file(before) if before else {}
    for name, seconds in {**now, "total": sum(now.values())}.items():
        was = sum(earlier.values()) if name == "total" else earlier.get(name)
        print(f"{seconds:8.1f} s", f"before {was:8.1f} s" if was else "", name)


if __name__ == "__main__":
    main(*sys.argv[1:])
