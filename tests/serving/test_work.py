"""Turns, limits and ends of requests; the model is one that computes sums when it is told to."""

import functools
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import numpy as np
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

from darts_tf.serving import bodies, messages
from darts_tf.serving.calls import Call
from darts_tf.serving.errors import RequestError
from darts_tf.serving.interface import Interface, Query, Spec
from darts_tf.serving.limits import Limits
from darts_tf.serving.models import Models
from darts_tf.serving.work import Work


class Sums:
    """Two numbers a step; the steps of large requests wait until they may go on."""

    step_images = 2
    interface = Interface(
        "sums", 1, {"sum": {"x": Spec("uint8", (None,))}}, {"sum": {"y": Spec("int64", (None, 3))}}
    )

    def __init__(self):
        self.may_go_on = threading.Event()
        self.started = threading.Semaphore(0)
        self.log = []

    def joins(self, signature):
        return False

    def steps(self, signature, inputs):
        for start in range(0, len(inputs["x"]), 2):
            part = inputs["x"][start : start + 2]
            self.started.release()
            if len(inputs["x"]) > 2 or inputs["x"].max() > 100:
                assert self.may_go_on.wait(20)
            self.log.append(part.tolist())
            yield {"y": np.stack([part.astype(np.int64) + add for add in (0, 100, 200)], axis=1)}


class Numbers:
    """A protocol: a list of numbers."""

    @staticmethod
    def read(interface, body):
        if isinstance(body, str) and body.endswith("dies"):
            os.kill(os.getpid(), signal.SIGKILL)
        if not isinstance(body, list):
            raise RequestError(418, "no list", {"X-Reason": "type"})
        return Query("sum", {"x": np.array(body, np.uint8)}, os.getpid(), pixels=sum(body))

    @staticmethod
    def write(interface, form, outputs):
        return {"y": outputs["y"].tolist(), "read_in": form, "written_in": os.getpid()}


def call(request, limits):
    """A request in that protocol."""
    return Call(
        receive=functools.partial(bodies.read, request, limits),
        read=functools.partial(messages.read, Numbers.read),
        write=functools.partial(messages.write, Numbers.write),
        has_left=request.is_disconnected,
    )


class Server:
    """Answers at `/` by a `Work` with some limits."""

    def __init__(self, **limits):
        self.model = Sums()
        app = FastAPI()
        limits = Limits(**limits)
        self.work = Work(Models(self.model), limits)

        async def answer(request: Request):
            try:
                return Response((await self.work.answer(call(request, limits))).content)
            except RequestError as error:
                return Response(error.reason, error.status, error.headers)

        app.add_route("/", answer, methods=["POST"])
        self.client = TestClient(app)
        self.pool = ThreadPoolExecutor(4)

    def __enter__(self):
        self.client.__enter__()
        return self

    def __exit__(self, *error):
        self.model.may_go_on.set()
        self.pool.shutdown()
        self.client.__exit__(*error)

    def ask(self, body):
        return self.client.post("/", content=json.dumps(body))

    def begin(self, body):
        """Asks without waiting for more than the first step."""
        future = self.pool.submit(self.ask, body)
        assert self.model.started.acquire(timeout=20)
        return future


def values(*numbers):
    return [[number, number + 100, number + 200] for number in numbers]


def test_a_small_request_does_not_wait_for_large_ones():
    with Server() as server:
        large = [server.begin([1, 2, 3, 4, 5]) for _ in range(1)]
        large += [server.pool.submit(server.ask, [6, 7, 8]) for _ in range(2)]
        assert server.ask([9]).json()["y"] == values(9)
        assert not any(request.done() for request in large)
        server.model.may_go_on.set()
        found = [request.result(20).json()["y"] for request in large]
    assert found == [values(1, 2, 3, 4, 5), values(6, 7, 8), values(6, 7, 8)]


def test_a_small_request_does_not_wait_for_few_but_large_images():
    with Server(threads=1, small_pixels=100) as server:
        large = [server.begin([101]), server.pool.submit(server.ask, [102])]
        assert server.ask([100]).json()["y"] == values(100)
        assert not any(request.done() for request in large)
        server.model.may_go_on.set()
        assert [request.result(20).json()["y"] for request in large] == [values(101), values(102)]


def test_large_requests_take_turns():
    with Server() as server:
        first = server.begin([1, 2, 3, 4, 5, 6])
        second = server.pool.submit(server.ask, [7, 8, 9])
        while server.work._large_steps.statistics().tasks_waiting == 0:
            time.sleep(0.01)
        server.model.may_go_on.set()
        first.result(20), second.result(20)
    assert server.model.log == [[1, 2], [7, 8], [3, 4], [9], [5, 6]]


def test_long_messages_are_parsed_and_written_in_other_processes():
    with Server(small_bytes=20, small_values=4) as server:
        server.model.may_go_on.set()
        small = server.ask([1]).json()
        assert small == {"y": values(1), "read_in": os.getpid(), "written_in": os.getpid()}
        large = server.ask([1] * 20).json()
        assert large["y"] == values(*[1] * 20)
        assert os.getpid() not in (large["read_in"], large["written_in"])
        # What goes wrong there arrives here.
        refused = server.ask("no list, but a text of some length")
        assert (refused.status_code, refused.text) == (418, "no list")
        assert refused.headers["X-Reason"] == "type"
        died = server.ask("a text for which the process of its own dies")
        assert (died.status_code, "no process" in died.text) == (503, True)
        assert died.headers["Retry-After"] == "5"
        assert server.ask([1]).status_code == 200


def test_too_much_work():
    with Server(work_seconds=0.1) as server:
        refused = server.ask([1, 2, 3])
        assert (refused.status_code, "longer than 0.1 s" in refused.text) == (413, True)
        assert server.ask([1]).status_code == 200


def test_waiting_is_no_work_but_has_a_limit():
    with Server(work_seconds=20, wait_seconds=0.2) as server:
        first = server.begin([1, 2, 3])
        refused = server.ask([4, 5, 6])
        assert (refused.status_code, "is busy" in refused.text) == (503, True)
        assert refused.headers["Retry-After"] == "5"
        server.model.may_go_on.set()
        assert first.result(20).json()["y"] == values(1, 2, 3)


def test_too_long_an_answer_is_refused_before_it_is_computed():
    with Server(answer_values=20) as server:
        refused = server.ask([1] * 7)
        assert refused.status_code == 413
        assert "7 images would have 21 values, and at most 20 are sent" in refused.text
        assert server.model.log == []


def test_a_stop_answers_those_who_wait():
    with Server() as server:
        computed, waiting = server.begin([1, 2, 3]), server.pool.submit(server.ask, [4, 5, 6])
        server.client.portal.call(server.work.stop)
        for request in (computed, waiting, server.pool.submit(server.ask, [1])):
            answer = request.result(20)
            assert (answer.status_code, "is stopping" in answer.text) == (503, True)
            assert answer.headers["Connection"] == "close"


def test_nobody_computes_for_a_client_that_left():
    model = Sums()
    model.may_go_on.set()

    async def receive():
        messages.append(1)
        body = {"type": "http.request", "body": b"[1, 2, 3, 4, 5]", "more_body": False}
        return body if len(messages) == 1 else {"type": "http.disconnect"}

    messages = []
    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(ClientDisconnect):
        anyio.run(Work(Models(model), Limits()).answer, call(request, Limits()))
    assert model.log == [[1, 2]]
