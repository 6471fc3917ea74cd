"""Starts the programs with command lines and files that nobody means well with.

    python -m scripts.hostile_command_lines
    python -m scripts.hostile_command_lines --matching=export

Each must end with exit code 2 after one line that begins with "error: ", without a stack trace,
within --longest seconds, and without leaving or changing a file. Prints what does not; the exit
code is 1 then. The programs run in processes that are forked from one that has imported
TensorFlow: about a second each where the machine has no other work.
"""

import concurrent.futures
import pathlib
import resource
import sys
import tempfile

from absl import flags

from scripts.hostile_files import write_files
from scripts.hostile_lines import Line, lines
from tests import forks
from train import program

_MATCHING = flags.DEFINE_string("matching", "", "Only command lines that contain this text.")
# No name that a flag of the programs has: they are run in forks of this process.
_LONGEST = flags.DEFINE_float("longest", 60.0, "How many seconds a program may take.")
_AT_ONCE = flags.DEFINE_integer("at_once", 2, "Programs that run at the same time.", lower_bound=1)

#: More than any of these programs needs to refuse something.
_MEMORY = 10 * 2**30


def main() -> None:
    """Starts them all."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = write_files(folder)
        found = [
            line
            for line in lines(files, folder / "out")
            if _MATCHING.value in f"{line.program} {' '.join(line.arguments)}"
        ]
        before = _content(folder)
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE.value) as pool:
            number = range(len(found))
            results = list(pool.map(lambda i: check(found[i], folder, i, _LONGEST.value), number))
        wrong = 0
        for line, problems in zip(found, results, strict=True):
            wrong += bool(problems)
            for problem in problems:
                print(f"{line.program} {' '.join(line.arguments)[-300:]}\n    WRONG: {problem}")
        for path in sorted(_content(folder) ^ before):
            wrong += 1
            print(f"    WRONG: {path} is left or changed")
    print(f"{len(found)} command lines, {wrong} wrong")
    sys.exit(bool(wrong))


def _content(folder) -> set:
    return {
        (str(path.relative_to(folder)), path.stat().st_size)
        for path in folder.rglob("*")
        if "logs" not in path.parts and not path.is_symlink()
    }


def check(line: Line, folder: pathlib.Path, number: int, seconds: float) -> list[str]:
    """The problems with the end of a program; empty if there are none."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    out, errors = (logs / f"{number}.{kind}" for kind in ("out", "err"))
    process = forks.start(run, line.program, line.arguments, log=out, errors=errors)
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return [f"hangs; {_tail(errors)}"]
    return judge(line, process.exitcode, errors.read_text())


def judge(line: Line, code: int, errors: str) -> list[str]:
    """The problems with an exit code and what a program wrote to standard error.

    Before the error there may be sentences of the log, such as how many images there are.
    """
    problems, lines = [], errors.splitlines()
    if code != 2:
        problems.append(f"exit code {code}")
    said = [text for text in lines if text.startswith("error: ")]
    is_last = len(said) == 1 and lines[-1] == said[0]
    if not is_last or "Traceback" in errors or len(said[0]) > 1200:
        problems.append(f"says {' / '.join(lines)[-400:]}")
    elif line.says not in said[0]:
        problems.append(f"says {said[0]}, expected {line.says}")
    return problems


def run(name, arguments) -> None:
    """The program, in a process of its own."""
    import importlib

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.argv = [name, *arguments]
    module = importlib.import_module(name)
    module.program.run(module.main)


def _tail(path) -> str:
    return path.read_text()[-300:]


if __name__ == "__main__":
    program.run(main)
