"""What every program in this folder shares: how it starts and how it fails."""

import contextlib
import logging as stdlib_logging
import os
import re
import signal
import sys

from absl import app, flags, logging

from darts_tf.errors import UserError


def run(main) -> None:
    """Runs `main` as an absl program.

    Args:
        main: a function without arguments. Flags are parsed when it is called.

    A `darts_tf.errors.UserError` becomes one line on standard error and exit code 2, Ctrl-C and
    SIGTERM one line and exit code 130 or 143. Words on the command line that are no flags are
    refused, because a forgotten `--` would otherwise be ignored silently.
    """

    def guarded(argv):
        logging.set_verbosity(max(logging.get_verbosity(), logging.INFO))
        logging.get_absl_logger().addFilter(_is_news)
        if len(argv) > 1:
            _fail(f"unexpected argument {argv[1]!r}; every option is written --name=value")
        signal.signal(signal.SIGTERM, _terminate)
        try:
            return main()
        except UserError as error:
            _fail(error)
        except (KeyboardInterrupt, _Terminated) as stop:
            name, number = (
                ("Ctrl-C", signal.SIGINT)
                if isinstance(stop, KeyboardInterrupt)
                else ("SIGTERM", signal.SIGTERM)
            )
            print(f"stopped by {name}; every file that was written is whole", file=sys.stderr)
            sys.exit(128 + number)

    app.run(guarded, flags_parser=_parse_flags)


class _Terminated(BaseException):
    """SIGTERM, raised where the program is; no `except Exception` takes it for an error."""


def _terminate(number, frame):
    raise _Terminated


@contextlib.contextmanager
def stopping(stop):
    """Lets SIGINT and SIGTERM end a run in order.

    Args:
        stop: called on the first signal; it should make the run save and return soon. A second
            signal ends the program at once.

    Yields:
        A list that holds the number of the signal once there was one.
    """
    received = []

    def handle(number, frame):
        if received:
            os._exit(128 + number)
        received.append(number)
        print("stopping after this step; a second signal stops at once", file=sys.stderr)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_news(record) -> bool:
    """Leaves out what TensorFlow logs about its own work, such as how long a save took."""
    return record.levelno >= stdlib_logging.WARNING or not re.search(
        r"[/\\](tensorflow|tensorflow_datasets|keras)[/\\]", record.pathname
    )


def flag_file() -> str:
    """All flags of the program and their values, as the text of a `--flagfile`."""
    program = sys.modules["__main__"].__spec__
    chosen = [
        flag
        for module, found in flags.FLAGS.flags_by_module_dict().items()
        if module.startswith("train.") or module == sys.argv[0] or module == "__main__"
        for flag in found
        if flag.value is not None
    ]
    lines = sorted(flag.serialize() for flag in chosen)
    name = program.name if program else "this program"
    return f"# python -m {name} --flagfile=THIS_FILE\n" + "".join(f"{x}\n" for x in lines)


def _parse_flags(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{error}; see --help")


def _fail(message) -> None:
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)
