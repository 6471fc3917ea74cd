"""What every program in this folder shares: how it starts and how it fails."""

import sys

from absl import app, flags, logging

from darts_tf.errors import UserError


def run(main) -> None:
    """Runs `main` as an absl program.

    Args:
        main: a function without arguments. Flags are parsed when it is called.

    A `darts_tf.errors.UserError` becomes one line on standard error and exit code 2, Ctrl-C one
    line and exit code 130. Words on the command line that are no flags are refused, because a
    forgotten `--` would otherwise be ignored silently.
    """

    def guarded(argv):
        if len(argv) > 1:
            _fail(f"unexpected argument {argv[1]!r}; every option is written --name=value")
        logging.set_verbosity(max(logging.get_verbosity(), logging.INFO))
        try:
            return main()
        except UserError as error:
            _fail(error)
        except KeyboardInterrupt:
            print("stopped by Ctrl-C", file=sys.stderr)
            sys.exit(130)

    app.run(guarded, flags_parser=_parse_flags)


def _parse_flags(argv):
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _fail(f"{error}; see --help")


def _fail(message) -> None:
    print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)
