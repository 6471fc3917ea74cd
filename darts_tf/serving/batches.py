"""Requests that arrive together are computed together."""

import asyncio
import contextlib
import math

import numpy as np

from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Query


class Batches:
    """Joins the examples of small requests, so that one run of the network answers several.

    A request waits only where others came shortly before it: after a run of N requests the next one
    begins when N are there again, or after `timeout_seconds`. While one runs, others gather. An
    answer is that of the request alone but for rounding, as TensorFlow may add in another order: of
    float32 probabilities, the seventh digit.

    Args:
        turn: gives an asynchronous context in which one run may compute; is waited for as long as
            it takes: the requests themselves lose patience.
        in_thread: an asynchronous function that calls another one in a thread.
        max_size: the examples of one run at most, or the model's `step_images` if these are fewer;
            0 and 1 join nothing.
        timeout_seconds: how long a request waits for others.
        observe: is called with the number of examples of each run.
        max_values: the numbers in the answers of one run at most, which bounds its memory; those of
            a single request may be more.
        patience: gives a context that ends in an error where a request waits too long.
    """

    def __init__(
        self,
        turn,
        in_thread,
        max_size: int,
        timeout_seconds: float,
        observe,
        max_values: float = math.inf,
        patience=contextlib.nullcontext,
    ):
        self._patience = patience
        self._turn, self._in_thread = turn, in_thread
        self._max_size, self._timeout, self._max_values = max_size, timeout_seconds, max_values
        self._observe = observe
        self._queues: dict[tuple, _Queue] = {}

    def take(self, model, query: Query) -> bool:
        """Whether a query may be computed together with others."""
        return query.size < self._most(model) and model.joins(query.signature)

    async def compute(
        self, model, signature: str, inputs: dict[str, np.ndarray], clock, values: int = 0
    ) -> dict:
        """The outputs of a request, `[B, ...]` each.

        Args:
            model: the model.
            signature, inputs: what its `prepare` has made of a query that `take` is true of.
            clock: an asynchronous context that bounds the time of the run, not of the waiting.
            values: how many numbers the answer has.

        Raises:
            RequestError: this request is wrong, or has waited too long for its turn.
        """
        key = (id(model), signature, *sorted((name, a.shape[1:]) for name, a in inputs.items()))
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(model, signature)
            queue.task = asyncio.create_task(self._work_off(key, queue))
        item = _Item(inputs, values)
        queue.add(item)
        try:
            with self._patience():
                await item.begun.wait()
            async with clock:
                return await item.outputs
        finally:
            queue.remove(item)

    def _most(self, model) -> int:
        return min(self._max_size, model.step_images)

    async def _work_off(self, key, queue: "_Queue") -> None:
        while await queue.gather(self._timeout, self._most(queue.model)):
            await self._run_some(queue)
        del self._queues[key]

    async def _run_some(self, queue: "_Queue") -> None:
        taken = []
        try:
            async with self._turn():
                taken = queue.take(self._most(queue.model), self._max_values)
                for item in taken:
                    item.begun.set()
                if taken:
                    self._observe(sum(item.size for item in taken))
                    inputs = [item.inputs for item in taken]
                    found = await self._in_thread(compute, queue.model, queue.signature, inputs)
        except Exception as error:  # There is no thread.
            taken = taken or queue.take(math.inf, math.inf)
            found = [error] * len(taken)
        for item, outputs in zip(taken, found if taken else [], strict=True):
            item.finish(outputs)


def compute(model, signature: str, several: list[dict[str, np.ndarray]]) -> list:
    """The outputs of several requests by one run, or the error of each that is wrong."""
    if len(several) > 1:
        # Whose error it is each shows by itself.
        with contextlib.suppress(Exception):
            return _together(model, signature, several)
    return [_alone(model, signature, inputs) for inputs in several]


def _together(model, signature, several):
    joined = {name: np.concatenate([inputs[name] for inputs in several]) for name in several[0]}
    outputs = model.run(signature, joined)
    ends = np.cumsum([len(next(iter(inputs.values()))) for inputs in several])
    if any(len(array) != ends[-1] for array in outputs.values()):
        raise ValueError("an output has not one element for each example")
    parts = {name: np.split(array, ends[:-1]) for name, array in outputs.items()}
    return [
        _checked(model, {name: part[index] for name, part in parts.items()})
        for index in range(len(several))
    ]


def _alone(model, signature, inputs):
    try:
        return _checked(model, model.run(signature, inputs))
    except Exception as error:
        return error


def _checked(model, outputs):
    try:
        model.check_outputs(outputs)
    except RequestError as error:
        return error
    return dict(sorted(outputs.items()))


class _Item:
    """The inputs of a request that waits for its outputs."""

    def __init__(self, inputs: dict[str, np.ndarray], values: int):
        self.inputs, self.size = inputs, len(next(iter(inputs.values())))
        self.values = values
        self.begun = asyncio.Event()
        self.outputs = asyncio.get_running_loop().create_future()

    def finish(self, outputs) -> None:
        self.begun.set()
        if self.outputs.done():
            return
        if isinstance(outputs, Exception):
            self.outputs.set_exception(outputs)
            # Nobody may be left to look at it.
            self.outputs.exception()
        else:
            self.outputs.set_result(outputs)


class _Queue:
    """Requests of one signature with examples of the same sizes."""

    def __init__(self, model, signature: str):
        self.model, self.signature = model, signature
        self.items: list[_Item] = []
        self.task: asyncio.Task | None = None
        self._expected = 1
        self._changed = asyncio.Event()

    def add(self, item: _Item) -> None:
        self.items.append(item)
        self._changed.set()

    def remove(self, item: _Item) -> None:
        if item in self.items:
            self.items.remove(item)

    async def gather(self, timeout: float, max_size: int) -> bool:
        """Waits for as many requests as the last run had, and says whether there are any."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while len(self.items) < self._expected and self._size() < max_size:
                    if not self.items and self._expected == 1:
                        break
                    self._changed.clear()
                    await self._changed.wait()
        return bool(self.items)

    def take(self, max_size: float, max_values: float) -> list[_Item]:
        """Removes the first requests, one at least where there are any."""
        count = size = values = 0
        for item in self.items:
            size += item.size
            values += item.values
            if count and (size > max_size or values > max_values):
                break
            count += 1
        taken, self.items = self.items[:count], self.items[count:]
        self._expected = max(count, 1)
        return taken

    def _size(self) -> int:
        return sum(item.size for item in self.items)
