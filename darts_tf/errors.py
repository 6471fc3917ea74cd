"""The one exception that the library raises for what a user gave it."""


class UserError(ValueError):
    """What the user gave cannot be used; the message alone is enough to mend it.

    The message is one line and says what was received, what was expected and what to do. The
    programs in `train/` print it after `error: ` and leave with exit code 2, without a stack
    trace. It is a `ValueError`, so library callers may catch it as one.
    """
