"""How much one client may ask of the server: work, memory, time, connections."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of a server. Ordinary loads meet none of them.

    Attributes:
        body_bytes: longer requests are refused with status 413.
        small_bytes: longer requests are parsed in a process of their own, because Python's parser
            keeps the interpreter to itself. So are answers of more than `small_values` numbers
            written.
        small_values: see `small_bytes`.
        small_pixels: requests with more, in image files too, take turns: one is computed at a time.
        large_bodies: how many requests longer than `small_bytes` are in memory at the same time.
        answer_values: requests whose answers would hold more numbers are refused with status 413.
        threads: how many requests TensorFlow computes at the same time, besides a large one.
        batch_size: the examples of small requests that arrive together, and are computed together,
            at most; 0 and 1 join nothing.
        batch_seconds: how long a request waits for others at most.
        work_seconds: a request that takes longer, without its waiting, is given up with status
            413.
        wait_seconds: a request that would have to wait longer for its turn gets status 503.
        patience_seconds: how long the server waits for a client that sends, or reads, more slowly
            than `bytes_per_second`.
        bytes_per_second: see `patience_seconds`.
        connections: how many connections are open; for one more, the longest idle one is closed.
        stop_seconds: how long requests may go on after SIGTERM. uvicorn and the system need the
            rest of the 5 seconds in which a stop is promised.
    """

    body_bytes: int = 32 * 1024 * 1024
    small_bytes: int = 128 * 1024
    small_values: int = 20_000
    small_pixels: int = 4_000_000
    large_bodies: int = 16
    answer_values: int = 5_000_000
    threads: int = 2
    batch_size: int = 32
    batch_seconds: float = 0.005
    work_seconds: float = 120
    wait_seconds: float = 120
    patience_seconds: float = 20
    bytes_per_second: int = 32 * 1024
    connections: int = 1000
    stop_seconds: float = 3.5
