"""The command `darts-tf`: the programs of `train/`, one for each verb.

`darts-tf search --method=darts-v1` is `python -m train.search --method=darts-v1`. An installed
package keeps the programs inside itself, in a folder `programs`, because the name `train` belongs
to everybody; a checkout has them where they are.
"""

import ast
import os
import pathlib
import sys

from darts_tf.common.errors import UserError

_PACKAGE = pathlib.Path(__file__).parents[1]
# The end of every program.
_RUNS = '\nif __name__ == "__main__":\n    program.run(main)\n'


def folder() -> pathlib.Path:
    """The folder that holds the folder `train` of the programs."""
    installed = _PACKAGE / "programs"
    return installed if (installed / "train").is_dir() else _PACKAGE.parent


def programs() -> dict[str, str]:
    """The verbs, and what each program does, as the first line of its file says."""
    found = {}
    for path in sorted((folder() / "train").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if _RUNS in text:
            (first, *_) = ast.get_docstring(ast.parse(text)).splitlines()
            found[path.stem.replace("_", "-")] = first
    return found


def run(words: list[str]) -> None:
    """Becomes the program of a verb; see `main`.

    Args:
        words: the verb, and the flags of its program.

    Raises:
        UserError: there is no such verb.
    """
    known = programs()
    if not words or words[0] in ("-h", "--help", "help"):
        lines = [f"  {verb:<20}{line}" for verb, line in known.items()]
        print("usage: darts-tf VERB [--flag=value ...]; darts-tf VERB --help names its flags\n")
        print("\n".join(lines))
        return
    verb, *flags = words
    if verb not in known:
        raise UserError(f"there is no darts-tf {verb}; expected one of {', '.join(known)}")
    paths = [str(folder()), *filter(None, [os.environ.get("PYTHONPATH")])]
    # No `train` of the current folder, here or in what the program starts.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
    module = f"train.{verb.replace('-', '_')}"
    os.execve(sys.executable, [sys.executable, "-m", module, *flags], environment)


def main() -> None:
    """Runs the program whose verb is the first word of the command line."""
    try:
        run(sys.argv[1:])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
