"""The end of gRPC requests: with the server, with the work, with a client's patience."""

import threading
import time

import grpc
import pytest

from darts_tf.serving import open_inference_pb2 as messages
from darts_tf.serving.models import Models
from tests.serving.grpc_running import running
from tests.serving.test_grpc_server import check, infer, raw


class Slow:
    """A model that answers when it may."""

    step_images = 32

    def __init__(self, model):
        self._model, self.interface = model, model.interface
        self.began, self.may_go_on = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, signature, inputs):
        self.began.set()
        assert self.may_go_on.wait(20)
        return self._model.run(signature, inputs)


def begin(channel, model):
    method = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", None, None)
    future = method.future(raw().SerializeToString(), timeout=20)
    assert model.began.wait(20)
    return future


def test_a_stop_lets_requests_end_and_takes_no_more(served_model, network):
    model = Slow(served_model)
    with running(Models(model)) as (server, call), grpc.insecure_channel(server.address) as channel:
        future = begin(channel, model)
        stop = threading.Thread(target=call, args=(server.stop, 10))
        stop.start()
        time.sleep(0.3)
        with grpc.insecure_channel(server.address) as late, pytest.raises(grpc.RpcError) as refused:
            infer(late, raw())
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        model.may_go_on.set()
        check(messages.ModelInferResponse.FromString(future.result(20)), network)
        stop.join(20)


def test_work_that_is_given_up_is_unavailable(served_model):
    model = Slow(served_model)
    with running(Models(model)) as (server, call), grpc.insecure_channel(server.address) as channel:
        future = begin(channel, model)
        call(server.work.stop)
        assert future.exception(20).code() == grpc.StatusCode.UNAVAILABLE
        assert "is stopping" in future.exception().details()
        model.may_go_on.set()


def test_a_message_that_does_not_come(served_model):
    with (
        running(Models(served_model), patience_seconds=0.1) as (server, _),
        grpc.insecure_channel(server.address) as channel,
    ):
        method = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer", None, None)
        released = threading.Event()
        future = method.future((b"" for _ in range(1) if released.wait(20)), timeout=20)
        assert future.exception(20).code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert "arrives too slowly" in future.exception().details()
        released.set()
