"""The start and the end that all programs in this folder share."""

import dataclasses
import difflib
import inspect
import logging as stdlib_logging
import re
import signal
import sys
import traceback

from absl import app, flags, logging

from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.runs.run_folder import RunFolder
from train import limits, stops
from train.config import Config

# Characters of a line of explanation; names that a user gave may be longer.
_LONGEST = 1000

#: See `train.stops.in_order`.
stopping = stops.in_order


def run(main) -> None:
    """Runs `main` as an absl program, and ends the process.

    Args:
        main: a function of the configuration; the annotation of its argument is the class, whose
            fields are the program's flags. One without arguments has flags of absl's own.

    A `darts_tf.common.errors.UserError` becomes one line on standard error and exit code 2, and so
    does a disk that is full; a run that had computed nothing by then leaves no file behind. Ctrl-C
    and SIGTERM become one line and exit code 130 or 143. Words on the command line that are no
    flags are refused, because a forgotten `--` would otherwise be ignored silently, unless the
    configuration says which flag takes them.
    """
    stops.install()
    parameters = inspect.signature(main, eval_str=True).parameters.values()
    kind: type[Config] | None = next((one.annotation for one in parameters), None)
    if kind:
        kind.define_flags(flags.FLAGS)
    code = 0
    try:
        app.run(
            lambda argv: _main(main, kind, argv),
            flags_parser=lambda argv: _parse_flags(argv, kind),
        )
    except BaseException as error:
        code = _explain(error)
    stops.leave(code)


def _explain(error: BaseException) -> int:
    """Says why the program has ended; returns the exit code."""
    number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else stops.raised()
    if number is not None:
        stops.say(number)
        return 128 + number
    if isinstance(error, SystemExit):
        return _code(error)
    reason = error if isinstance(error, UserError) else files.cannot_write(error)
    if reason is None:
        traceback.print_exception(error)
        return 1
    RunFolder.remove_unbegun()
    return _say(reason)


def _main(main, kind, argv):
    logging.set_verbosity(max(logging.get_verbosity(), logging.INFO))
    logging.get_absl_logger().addFilter(_News())
    logging.get_absl_handler().setFormatter(_Sentences())
    name = kind.bare_words if kind else None
    if len(argv) > 1 and name is None:
        raise UserError(f"unexpected argument {argv[1]!r}; every option is written --name=value")
    if kind is None:
        return main()
    config = kind.from_flags(flags.FLAGS)
    if len(argv) > 1:
        config = dataclasses.replace(config, **{name: (*getattr(config, name), *argv[1:])})
    return main(config)


def _code(done: SystemExit) -> int:
    if done.code is None or isinstance(done.code, int):
        return done.code or 0
    print(done.code, file=sys.stderr)
    return 1


class _Sentences(stdlib_logging.Formatter):
    """Log lines as sentences, without the time and the thread that absl begins with."""

    def format(self, record):
        is_news = record.levelno < stdlib_logging.WARNING
        kind = "" if is_news else f"{record.levelname.lower()}: "
        return f"{kind}{super().format(record)}"


class _News(stdlib_logging.Filter):
    """Leaves out what TensorFlow logs about its own work, such as how long a save took.

    And what has been said already: a cell is read once to check it and once to train it.
    """

    def __init__(self):
        super().__init__()
        self._said = set()

    def filter(self, record):
        if record.levelno >= stdlib_logging.WARNING:
            return True
        text = record.getMessage()
        is_new = text not in self._said
        self._said.add(text)
        foreign = r"[/\\](tensorflow|tensorflow_datasets|keras)[/\\]"
        return is_new and not re.search(foreign, record.pathname)


def flag_file(config: Config) -> str:
    """All flags of the program with a value and a meaning, as the text of a `--flagfile`."""
    program = sys.modules["__main__"].__spec__
    name = program.name if program else "this program"
    lines = sorted(config.words(set(config.names()) - {*config.without_meaning()}))
    return f"# python -m {name} --flagfile=THIS_FILE\n" + "".join(f"{x}\n" for x in lines)


def _parse_flags(argv, kind: type[Config] | None):
    try:
        _check_flag_files(argv, set())
        rest = flags.FLAGS(argv)
    except flags.UnrecognizedFlagError as error:
        if error.flagname == "task" and kind:
            raise UserError(f"--task: {kind.without_task}") from error
        raise UserError(f"{_unknown(error.flagname)}; see --help") from error
    except (flags.Error, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{error}; see --help") from error
    except SystemExit:
        # The help has been shown, which absl takes for a failure.
        raise SystemExit(0) from None
    limits.check_flags()
    return rest


def _unknown(name: str) -> str:
    """The message on a flag that there is not; absl would propose its own, too."""
    own = {
        flag.name: flag
        for module, found in flags.FLAGS.flags_by_module_dict().items()
        if not module.startswith("absl")
        for flag in found
    }
    off = {f"no{name}": name for name, flag in own.items() if flag.boolean}
    close = difflib.get_close_matches(name, ["flagfile", *own, *off], n=2, cutoff=0.7)
    proposed = f"; did you mean {' or '.join(f'--{one}' for one in close)}?" if close else ""
    return f"unknown flag --{name}{proposed}"


def _check_flag_files(argv, seen) -> None:
    """Refuses flag files, and those that they name, that a reader would wait for."""
    for path in _flag_files(argv):
        reading.check_regular(path)
        if path not in seen:
            seen.add(path)
            with open(path, encoding="utf-8") as lines:
                nested = [line.strip() for line in lines if not line.startswith(("#", "//"))]
            _check_flag_files(nested, seen)


def _flag_files(argv) -> list[str]:
    """The values of --flagfile, with an equals sign or as the next word."""
    pairs = zip(argv, [*argv[1:], ""], strict=True)
    return [
        after if x.lstrip("-") == "flagfile" else x.partition("=")[2]
        for x, after in pairs
        if re.match("--?flagfile(=|$)", x)
    ]


def _say(message) -> int:
    """Writes an error of the user; returns the exit code."""
    line = " ".join(str(message).split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    print(f"error: {line}", file=sys.stderr)
    return 2
