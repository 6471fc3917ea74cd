import json
import multiprocessing
import time

from tests import times


def work(connection):
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    connection.send("done")
    connection.recv()


def test_processes_that_run_and_that_have_ended():
    before = times.of_descendants()
    ours, its = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(its,))
    process.start()
    ours.recv()
    running = times.of_descendants() - before
    ours.send("end")
    process.join()
    ended = times.of_descendants() - before
    # The clock counts hundredths, whose differences are rounded.
    assert 0.035 <= running <= ended < 0.5


def test_sums_by_file(tmp_path, capsys):
    def write(name, *rows):
        names = ("test", "user", "system", "others")
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    now = write("now", ("a.py::x", 1, 0.5, 0), ("b.py::y", 0, 0, 4), ("a.py::z[::]", 1, 0, 0))
    before = write("before", ("a.py::x", 5, 0, 0))
    assert times.by_file(now) == {"b.py": 4, "a.py": 2.5}
    times.main(now, before)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["4.0", "s", "b.py"],
        ["2.5", "s", "before", "5.0", "s", "a.py"],
        ["6.5", "s", "before", "5.0", "s", "total"],
    ]
