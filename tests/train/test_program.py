import os
import signal
import subprocess
import sys

import pytest

from tests.forks import REPOSITORY
from train import program

SOURCE = """
import dataclasses, os, signal, time
from absl import logging
from darts_tf.common.errors import UserError
from train import config, fields, program

@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(config.Config):
    what: str = fields.text("nothing", "What happens.")
    count: int = fields.integer(1, "A number.", lower_bound=1)
    loud: bool = fields.switch(False, "Nothing.")

def main(config: Config):
    if config.what == "user error":
        raise UserError("two lines\\n  of an error")
    if config.what == "bug":
        raise ValueError("a bug")
    if config.what == "logs":
        for _ in range(2):
            logging.info("%d epochs", 3)
        logging.warning("close to a draw")
    if config.what == "interrupt":
        # Where the tests run in the background, SIGINT is ignored from the start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    if config.what == "terminate":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    print(program.flag_file(config) if config.what == "flags" else f"{config.what} {config.count}")

program.run(main)
"""


def start(*arguments):
    return subprocess.run(
        [sys.executable, "-c", SOURCE, *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
        timeout=60,
    )


def test_flags_are_parsed():
    done = start("--what=all", "--count=3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "all 3\n", "")


@pytest.mark.parametrize("flag", ["--help", "--helpfull", "--helpshort"])
def test_help_is_no_failure(flag):
    done = start(flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--count: A number." in done.stdout


def test_log_lines_are_sentences():
    """Without the time and the number of a thread, and news are said once."""
    assert start("--what=logs").stderr == "3 epochs\nwarning: close to a draw\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--what=user error"], "two lines of an error"),
        (["--xyz=all"], "unknown flag --xyz; see --help"),
        # Of its own flags, never of absl's, such as run_with_pdb.
        (["--run_what=all"], "unknown flag --run_what; see --help"),
        (["--coutn=3"], "unknown flag --coutn; did you mean --count?; see --help"),
        (["--nolowd"], "unknown flag --nolowd; did you mean --noloud?; see --help"),
        (["--count=0"], "flag --count=0: "),
        (["all"], "unexpected argument 'all'; every option is written --name=value"),
    ],
)
def test_errors_of_the_user_are_one_line(arguments, message):
    done = start(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {message}")


def test_a_bug_keeps_its_stack_trace():
    done = start("--what=bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and "ValueError: a bug" in done.stderr


@pytest.mark.parametrize(
    "what, name, code", [("interrupt", "Ctrl-C", 130), ("terminate", "SIGTERM", 143)]
)
def test_a_signal(what, name, code):
    done = start(f"--what={what}")
    assert done.returncode == code
    assert done.stderr.startswith(f"stopped by {name}") and done.stderr.count("\n") == 1


def test_stopping():
    stopped = []
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with program.stopping(lambda: stopped.append(True)) as signals:
        assert signals == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped == [True] and signals == [signal.SIGTERM]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_flag_files_that_are_pipes(tmp_path):
    """A reader would wait for ever: named in one word, in two, and by another flag file."""
    pipe, file = tmp_path / "pipe", tmp_path / "flags"
    os.mkfifo(pipe)
    file.write_text(f"--seed=1\n--flagfile={pipe}\n")
    for argv in ([f"--flagfile={pipe}"], ["--flagfile", str(pipe)], [f"-flagfile={file}"]):
        with pytest.raises(OSError, match="it is a pipe"):
            program._check_flag_files(argv, set())
    # Comments name no file, and one that names itself is absl's to refuse.
    file.write_text(f"# --flagfile=THIS_FILE\n--flagfile={file}\n")
    program._check_flag_files([f"--flagfile={file}"], set())
