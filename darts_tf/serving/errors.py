"""The error of a request that the server does not answer."""


class RequestError(Exception):
    """A request that is not answered, and why.

    Args:
        status: the HTTP status: 400 to 499 where the client can mend the request, 503 where it can
            only come again later.
        reason: what was received, what was expected; it becomes `{"error": reason}`.
        headers: headers of the answer.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}

    def __reduce__(self):
        # An exception is otherwise rebuilt from its text alone.
        return RequestError, (self.status, self.reason, self.headers)
