"""Who is computed when: turns, limits of time, processes of their own, and the end of all."""

import contextlib
import math
import time

import anyio
import anyio.to_process
import anyio.to_thread
from starlette.requests import ClientDisconnect

from darts_tf.serving import messages, tensors
from darts_tf.serving.batches import Batches
from darts_tf.serving.calls import Answer, Call
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Interface, Query
from darts_tf.serving.limits import Limits
from darts_tf.serving.models import Models

# A message this many times shorter than a small one is read and written at once: to call a thread
# would take as long.
_TINY = 8
# A message this many times longer than a small one does not make others of its kind wait.
_HUGE = 32


class Work:
    """Answers requests such that small ones wait for little.

    A request is parsed, computed in steps of a bounded number of images, and written. Between two
    steps others have their turn, in the order in which they came. While TensorFlow computes,
    other threads run. Python's JSON keeps the interpreter to itself, so that long messages are
    parsed and written in processes of their own, which anyio starts, keeps and ends.

    Requests of a few examples that arrive together are computed together, see
    `darts_tf.serving.batches`.

    Args:
        models: the model.
        limits: the limits of each request and of all together.
        observe: is called with the number of examples of each joint run.
    """

    def __init__(self, models: Models, limits: Limits, observe=lambda size: None):
        self._models = models
        self._limits = limits
        self._bodies = anyio.CapacityLimiter(limits.large_bodies)
        self._small, self._steps = (anyio.CapacityLimiter(limits.threads) for _ in range(2))
        self._large, self._huge, self._large_steps = (anyio.CapacityLimiter(1) for _ in range(3))
        # `_turn` limits; anyio must not do so once more, as it counts neither time nor turns.
        self._unlimited = anyio.CapacityLimiter(math.inf)
        self._scopes: set[anyio.CancelScope] = set()
        self._stopped = False
        self._batches = Batches(
            lambda: self._steps,
            self._in_thread,
            limits.batch_size,
            limits.batch_seconds,
            observe,
            limits.answer_values,
            self._patience,
        )

    async def answer(self, call: Call) -> Answer:
        """Reads a request and returns its answer.

        Args:
            call: the request.

        Raises:
            RequestError: the request is wrong or asks too much, or others ask too much.
            ClientDisconnect: the client has left.
        """
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                if not self._stopped:
                    with self._models.use() as model:
                        call.check(model.interface)
                        async with contextlib.AsyncExitStack() as held:
                            body = await self._receive(call, held)
                            return await self._answer(body, call, model)
            finally:
                self._scopes.discard(scope)
        raise RequestError(503, "the server is stopping; ask again later", {"Connection": "close"})

    def stop(self) -> None:
        """Gives up all requests: whoever waits for an answer is told that the server stops."""
        self._stopped = True
        for scope in self._scopes:
            scope.cancel()

    async def _receive(self, call: Call, held: contextlib.AsyncExitStack) -> bytes:
        """The body; one that is or may be long holds a turn until the request is done."""
        turns = []

        async def make_room():
            if not turns:
                turns.append(self._turn(self._bodies))
                await held.enter_async_context(turns[0])

        body = await call.receive(make_room)
        if call.unpack is None:
            return body
        await make_room()
        async with self._turn(self._small):
            return await self._in_thread(call.unpack, body)

    async def _answer(self, body: bytes, call: Call, model) -> Answer:
        interface = model.interface
        clock = _Clock(self._limits.work_seconds, interface.examples)
        size, small = len(body), self._limits.small_bytes
        alone = call.json_bytes(size) > small
        query = await self._message(clock, size / small, alone, call.read, interface, body)
        del body
        values = self._check_size(interface, query)
        outputs = await self._compute(clock, query, call, model, values)
        size, write = values / self._limits.small_values, call.write
        alone = query.json_answer and size > 1
        return await self._message(clock, size, alone, write, interface, query.form, outputs)

    async def _compute(self, clock, query: Query, call: Call, model, values: int) -> dict:
        one_step = query.size <= model.step_images
        small = one_step and query.pixels <= self._limits.small_pixels
        if small and self._batches.take(model, query):
            prepared = await self._prepare(clock, query, model)
            return await self._batches.compute(model, *prepared, clock, values)
        answers, steps = [], model.steps(query.signature, query.inputs)
        for _ in range(0, query.size, model.step_images):
            async with self._turn(self._steps if small else self._large_steps), clock:
                answers.append(await self._in_thread(next, steps))
            if not one_step and await call.has_left():
                raise ClientDisconnect
        return tensors.join(answers)

    async def _prepare(self, clock, query: Query, model) -> tuple:
        given = query.signature, query.inputs
        if not any(array.dtype == object for array in query.inputs.values()):
            return model.prepare(*given)
        async with self._turn(self._small), clock:
            return await self._in_thread(model.prepare, *given)

    def _check_size(self, interface: Interface, query: Query) -> int:
        """The number of values in a query's answer."""
        values = interface.answer_values(query)
        if values > self._limits.answer_values:
            raise RequestError(
                413,
                f"the answer to {query.size:,} {interface.examples} would have {values:,} values, "
                f"and at most {self._limits.answer_values:,} are sent; send fewer "
                f"{interface.examples} at a time",
            )
        return values

    async def _message(self, clock, size: float, alone: bool, function, *args):
        """Calls a function that reads or writes a message where it makes nobody wait.

        Args:
            clock: the request's clock.
            size: how many times the size of a small message it is.
            alone: whether it would keep the interpreter to itself.
            function: the function.
            *args: its arguments.
        """
        if size * _TINY <= 1:
            return function(*args)
        turn = self._huge if size > _HUGE else self._large if size > 1 else self._small
        async with self._turn(turn), clock:
            if alone:
                return await self._in_process(function, *args)
            return await self._in_thread(function, *args)

    async def _in_thread(self, function, *args):
        # A step that is given up ends by itself, as it computes a bounded number of images.
        return await anyio.to_thread.run_sync(
            function, *args, abandon_on_cancel=True, limiter=self._unlimited
        )

    async def _in_process(self, function, *args):
        try:
            return await anyio.to_process.run_sync(
                messages.alone, function, *args, cancellable=True, limiter=self._unlimited
            )
        except MemoryError as error:
            raise RequestError(
                413,
                "the request needs more memory than there is; send fewer "
                f"{self._models.current.interface.examples} at a time",
            ) from error
        except (OSError, anyio.BrokenWorkerProcess) as error:
            raise _busy("the server has no process or too little memory for it") from error

    @contextlib.asynccontextmanager
    async def _turn(self, limiter: anyio.CapacityLimiter):
        with self._patience():
            await limiter.acquire()
        try:
            yield
        finally:
            limiter.release()

    @contextlib.contextmanager
    def _patience(self):
        """A context in which nobody waits for a turn for too long."""
        seconds = self._limits.wait_seconds
        try:
            with anyio.fail_after(seconds):
                yield
        except TimeoutError as error:
            raise _busy(f"others have waited for {seconds:g} s or more") from error


class _Clock:
    """A context that ends in an error when all its blocks together took too long."""

    def __init__(self, seconds: float, examples: str):
        self._seconds = self._left = seconds
        self._examples = examples

    async def __aenter__(self):
        self._start = time.monotonic()
        self._scope = anyio.CancelScope(deadline=anyio.current_time() + self._left)
        self._scope.__enter__()

    async def __aexit__(self, kind, error, trace):
        self._left -= time.monotonic() - self._start
        swallowed = self._scope.__exit__(kind, error, trace)
        if self._scope.cancelled_caught:
            raise RequestError(
                413,
                f"the request takes longer than {self._seconds:g} s; send fewer {self._examples} "
                "at a time",
            )
        return swallowed


def _busy(reason: str) -> RequestError:
    return RequestError(503, f"the server is busy: {reason}; ask again later", {"Retry-After": "5"})
