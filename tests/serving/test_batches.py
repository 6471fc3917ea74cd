"""Requests that arrive together; the model adds and keeps a log of what it ran."""

import asyncio
import contextlib
import threading

import anyio
import numpy as np
import pytest

from darts_tf.serving import batches
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Query


class Sums:
    """y = x + 1; 13 cannot be added to, and nothing may be the answer 8."""

    step_images = 5

    def __init__(self):
        self.log = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def joins(self, signature):
        return signature != "alone"

    def run(self, signature, inputs):
        assert self.may_go_on.wait(20)
        x = inputs["x"]
        self.log.append(x.reshape(-1).tolist())
        if 13 in x:
            raise RequestError(400, "13")
        return {"y": x + 1, "name": np.array([b"%d" % v for v in x.reshape(-1)], object)}

    def check_outputs(self, outputs):
        if 8 in outputs["y"]:
            raise RequestError(400, "8")


@contextlib.asynccontextmanager
async def nothing():
    yield


def make(max_size=4, timeout_seconds=5.0, turn=nothing, sizes=None, **more):
    sizes = [] if sizes is None else sizes
    return batches.Batches(turn, asyncio.to_thread, max_size, timeout_seconds, sizes.append, **more)


async def ask(made, model, *numbers, signature="sum", clock=nothing):
    values = 100 * len(numbers)
    found = await made.compute(model, signature, {"x": np.array(numbers)}, clock(), values)
    assert found["name"].tolist() == [b"%d" % number for number in numbers]
    return found["y"].tolist()


async def begin(made, model, *requests):
    """Asks all others while the first one runs."""
    model.may_go_on.clear()
    tasks = []
    for numbers in requests:
        tasks.append(asyncio.create_task(ask(made, model, *numbers)))
        await asyncio.sleep(0.03)
    model.may_go_on.set()
    return tasks


def test_what_arrives_while_one_runs_is_computed_together():
    async def main():
        tasks = await begin(made, model, [1], [2], [3, 4])
        assert await asyncio.gather(*tasks) == [[2], [3], [4, 5]]

    sizes, model = [], Sums()
    made = make(sizes=sizes)
    asyncio.run(main())
    assert model.log == [[1], [2, 3, 4]]
    assert sizes == [1, 3]


def test_no_run_has_more_examples_than_allowed_and_the_first_come_first():
    async def main():
        tasks = await begin(made, model, [0], [1, 2, 3], [4], [5], [6, 7, 8])
        return await asyncio.gather(*tasks, return_exceptions=True)

    model = Sums()
    made = make(max_size=4, timeout_seconds=0.01)
    found = asyncio.run(main())
    assert model.log == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]
    assert found[:4] == [[1], [2, 3, 4], [5], [6]]
    assert str(found[4]) == "8"


def test_no_run_has_answers_of_more_values_than_allowed():
    async def main():
        tasks = await begin(made, model, [0], [1], [2], [3], [4, 5, 6], [9])
        assert await asyncio.gather(*tasks) == [[1], [2], [3], [4], [5, 6, 7], [10]]

    model = Sums()
    made = make(max_size=9, timeout_seconds=0.01, max_values=250)
    asyncio.run(main())
    assert model.log == [[0], [1, 2], [3], [4, 5, 6], [9]]


def test_one_client_never_waits():
    async def main():
        for number in range(20):
            async with asyncio.timeout(1):
                assert await ask(made, model, number + 20) == [number + 21]

    model = Sums()
    made = make(timeout_seconds=60)
    asyncio.run(main())
    assert len(model.log) == 20
    assert not made._queues


def test_after_a_run_of_two_the_next_one_waits_for_a_second_but_not_for_long():
    async def main():
        await asyncio.gather(*(await begin(made, model, [1], [2], [3])))
        assert model.log == [[1], [2, 3]]
        first = asyncio.create_task(ask(made, model, 4))
        await asyncio.sleep(0.05)
        assert not first.done()
        assert await ask(made, model, 5) == [6]
        assert await first == [5]
        assert model.log[2:] == [[4, 5]]
        async with asyncio.timeout(2):
            assert await ask(made, model, 5) == [6]
        async with asyncio.timeout(0.25):
            assert await ask(made, model, 6) == [7]
        assert model.log[3:] == [[5], [6]]

    model = Sums()
    made = make(timeout_seconds=0.3)
    asyncio.run(main())


def test_an_error_is_that_of_its_request_alone():
    async def main():
        tasks = await begin(made, model, [1], [2], [13], [7], [4])
        return await asyncio.gather(*tasks, return_exceptions=True)

    model = Sums()
    made = make(max_size=8)
    found = asyncio.run(main())
    assert found[0:2] == [[2], [3]] and found[4] == [5]
    assert [str(error) for error in found[2:4]] == ["13", "8"]
    # All together first; then, as that failed, each alone.
    assert model.log == [[1], [2, 13, 7, 4], [2], [13], [7], [4]]


def test_other_sizes_signatures_and_models_are_not_mixed():
    async def main():
        tasks = await begin(made, model, [1])
        model.may_go_on.clear()
        tasks += [asyncio.create_task(ask(made, model, 2, signature="other"))]
        inputs = {"x": np.array([[3]])}
        tasks += [asyncio.create_task(made.compute(model, "sum", inputs, nothing()))]
        tasks += [asyncio.create_task(ask(made, second, 4))]
        await asyncio.sleep(0.05)
        model.may_go_on.set()
        await asyncio.gather(*tasks)

    model, second = Sums(), Sums()
    made = make()
    asyncio.run(main())
    assert sorted(model.log) == [[1], [2], [3]]
    assert second.log == [[4]]


def test_who_leaves_while_waiting_is_not_computed():
    async def main():
        model.may_go_on.clear()
        tasks = []
        for number in (1, 2, 3):
            tasks.append(asyncio.create_task(ask(made, model, number)))
            await asyncio.sleep(0.03)
        tasks.pop(1).cancel()
        await asyncio.sleep(0)
        model.may_go_on.set()
        assert await asyncio.gather(*tasks) == [[2], [4]]

    model = Sums()
    made = make()
    asyncio.run(main())
    assert model.log == [[1], [3]]


def test_who_waits_too_long_is_refused_and_who_came_later_is_not():
    @contextlib.asynccontextmanager
    async def turn():
        async with busy:
            yield

    @contextlib.contextmanager
    def patience():
        try:
            with anyio.fail_after(0.3):
                yield
        except TimeoutError:
            raise RequestError(503, "busy") from None

    async def main():
        await busy.acquire()
        first = asyncio.create_task(ask(made, model, 1))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(ask(made, model, 2))
        with pytest.raises(RequestError, match="busy"):
            await first
        busy.release()
        assert await second == [3]
        assert model.log == [[2]] and not made._queues

    model, busy = Sums(), asyncio.Lock()
    made = make(turn=turn, patience=patience)
    asyncio.run(main())


def test_without_a_turn_all_who_wait_are_told():
    @contextlib.asynccontextmanager
    async def busy():
        await asyncio.sleep(0.05)
        raise RequestError(503, "busy")
        yield

    async def main():
        tasks = [ask(made, Sums(), number) for number in (1, 2)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    made = make(turn=busy)
    assert [str(error) for error in asyncio.run(main())] == ["busy", "busy"]


@pytest.mark.parametrize(
    ("max_size", "numbers", "signature", "taken"),
    [
        (4, [1, 2], "sum", True),
        (4, [1, 2, 3, 4], "sum", False),
        (9, [1, 2, 3, 4], "sum", True),
        (9, [1, 2, 3, 4, 5], "sum", False),
        (1, [1], "sum", False),
        (0, [1], "sum", False),
        (4, [1], "alone", False),
    ],
)
def test_what_is_taken(max_size, numbers, signature, taken):
    query = Query(signature, {"x": np.array(numbers)}, None, 1)
    assert make(max_size).take(Sums(), query) is taken
