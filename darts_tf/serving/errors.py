"""What the server says to a client whose request it cannot answer."""


class RequestError(Exception):
    """A request that is the client's to mend.

    Args:
        status: the HTTP status, 400 to 499.
        reason: what was received, what was expected; it becomes `{"error": reason}`.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status
        self.reason = reason
