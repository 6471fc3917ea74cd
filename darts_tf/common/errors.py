"""The one exception that the library raises for what a user gave it."""

import re


class UserError(ValueError):
    """An error in what the user gave; the message alone is enough to mend it.

    The message is one line and says what was received, what was expected and what to do. The
    programs in `train/` print it after `error: ` and leave with exit code 2, without a stack
    trace. It is a `ValueError`, so library callers may catch it as one.
    """


def reason(error: BaseException) -> str:
    """The reason that an exception of another library gives, in one line.

    Such a message often has many lines, the first of which only leads to the reason: it ends with
    a colon, or names the layer that was called. Keras puts what it met behind a whole
    configuration.

    Returns:
        Up to the first line that says more; the exception's class if there is no message.
    """
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    *_, text = re.split(r"Exception encountered(?: when calling [^\n]*\n|: )", text)
    said = []
    for line in filter(None, map(str.strip, text.splitlines())):
        said.append(line)
        if not line.endswith(":"):
            break
    return " ".join(said) or type(error).__name__
