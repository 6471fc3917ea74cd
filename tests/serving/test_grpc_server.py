"""The Open Inference Protocol over gRPC, and what all services have in common."""

import struct
import time

import grpc
import numpy as np
import pytest

from darts_tf.serving import open_inference_pb2 as messages
from darts_tf.serving.models import Models
from tests.serving import tiny_network
from tests.serving.conftest import MAX_BODY_BYTES
from tests.serving.grpc_running import running

IMAGES = tiny_network.random_images(2)
FILES = [tiny_network.encode(image) for image in IMAGES]
Request = messages.ModelInferRequest


@pytest.fixture(scope="module")
def server(served_model):
    with running(Models(served_model), body_bytes=MAX_BODY_BYTES) as (server, _):
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.address) as channel:
        yield channel


def call(channel, method, request=b"", answer=None, **options):
    function = channel.unary_unary(f"/inference.GRPCInferenceService/{method}", None, None)
    content = request if isinstance(request, bytes) else request.SerializeToString()
    found = function(content, timeout=20, **options)
    return answer.FromString(found) if answer else found


def raw(**changes):
    """A request with raw contents."""
    fields = {"name": "images", "datatype": "UINT8", "shape": IMAGES.shape, **changes}
    request = Request(model_name="tiny", raw_input_contents=[IMAGES.tobytes()])
    request.inputs.add(**fields)
    return request


def typed(field="uint_contents", values=None, **changes):
    """A request with a list of numbers or bytes."""
    request = raw(**changes)
    del request.raw_input_contents[:]
    values = IMAGES.reshape(-1).tolist() if values is None else values
    getattr(request.inputs[0].contents, field).extend(values)
    return request


def files(**more):
    data = b"".join(struct.pack("<I", len(file)) + file for file in FILES)
    request = Request(model_name="tiny", raw_input_contents=[data], **more)
    request.inputs.add(name="image_bytes", datatype="BYTES", shape=[2])
    return request


def infer(channel, request):
    return call(channel, "ModelInfer", request, messages.ModelInferResponse)


def check(response, network):
    expected = tiny_network.expected_probabilities(network, IMAGES)
    heads = [(t.name, t.datatype, list(t.shape)) for t in response.outputs]
    assert heads == [
        ("class_ids", "INT64", [2]),
        ("class_names", "BYTES", [2]),
        ("probabilities", "FP32", [2, 4]),
    ]
    names = [tiny_network.CLASS_NAMES[index].encode() for index in expected.argmax(axis=1)]
    if response.raw_output_contents:
        ids, texts, probabilities = response.raw_output_contents
        ids, probabilities = np.frombuffer(ids, "<i8"), np.frombuffer(probabilities, "<f4")
        assert texts == b"".join(struct.pack("<I", len(name)) + name for name in names)
    else:
        contents = [tensor.contents for tensor in response.outputs]
        ids, probabilities = contents[0].int64_contents, contents[2].fp32_contents
        assert contents[1].bytes_contents == names
    assert list(ids) == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose(probabilities, expected.reshape(-1), atol=1e-6)


def test_health_and_metadata(channel):
    assert call(channel, "ServerLive", answer=messages.ServerLiveResponse).live
    assert call(channel, "ServerReady", answer=messages.ServerReadyResponse).ready
    request = messages.ModelReadyRequest(name="tiny", version="1")
    assert call(channel, "ModelReady", request, messages.ModelReadyResponse).ready
    for request in (messages.ModelReadyRequest(name="x"), messages.ModelReadyRequest()):
        assert not call(channel, "ModelReady", request, messages.ModelReadyResponse).ready
    server = call(channel, "ServerMetadata", answer=messages.ServerMetadataResponse)
    assert server.name == "darts_tf"
    request = messages.ModelMetadataRequest(name="tiny")
    model = call(channel, "ModelMetadata", request, messages.ModelMetadataResponse)
    assert (model.name, list(model.versions)) == ("tiny", ["1"])
    (images,) = model.inputs
    assert (images.name, images.datatype, list(images.shape)) == ("images", "UINT8", [-1, 8, 8, 1])
    assert [tensor.name for tensor in model.outputs] == [
        "class_ids",
        "class_names",
        "probabilities",
    ]


def test_raw_and_typed_contents(channel, network):
    for request, is_raw in ((raw(), True), (typed(), False), (files(), True)):
        response = infer(channel, request)
        assert bool(response.raw_output_contents) == is_raw
        check(response, network)
    check(infer(channel, typed("bytes_contents", FILES, **bytes_of(2))), network)


def bytes_of(count):
    return {"name": "image_bytes", "datatype": "BYTES", "shape": [count]}


def test_name_version_id_and_wanted_outputs(channel):
    request = raw()
    request.id, request.model_version = "7", "1"
    request.outputs.add(name="probabilities")
    response = infer(channel, request)
    assert (response.id, response.model_name, response.model_version) == ("7", "tiny", "1")
    assert [tensor.name for tensor in response.outputs] == ["probabilities"]
    assert len(response.raw_output_contents) == 1


def two_inputs():
    request = raw()
    request.inputs.add(name="images")
    return request


def with_contents():
    request = raw()
    request.inputs[0].contents.uint_contents.append(1)
    return request


def with_raws(*raws):
    request = raw()
    del request.raw_input_contents[:]
    request.raw_input_contents.extend(raws)
    return request


def other(**fields):
    request = raw()
    for name, value in fields.items():
        setattr(request, name, value)
    return request


def wanting(*names):
    request = raw()
    for name in names:
        request.outputs.add(name=name)
    return request


WRONG = {
    "no message": (b"\xff\xff", "INVALID_ARGUMENT", "no valid ModelInferRequest"),
    "nothing": (b"", "NOT_FOUND", "there is no model ''; this server has 'tiny'"),
    "another model": (other(model_name="x"), "NOT_FOUND", "there is no model 'x'"),
    "another version": (other(model_version="9"), "NOT_FOUND", "there is no version '9'"),
    "no inputs": (Request(model_name="tiny"), "INVALID_ARGUMENT", "the inputs are named []"),
    "two inputs of a name": (two_inputs(), "INVALID_ARGUMENT", "two inputs have the same name"),
    "another input": (raw(name="x"), "INVALID_ARGUMENT", "the inputs are named ['x']"),
    "another type": (raw(datatype="FP32"), "INVALID_ARGUMENT", "'FP32'; expected UINT8"),
    "another shape": (raw(shape=[2, 64]), "INVALID_ARGUMENT", "has shape [2, 64]; expected [any"),
    "a negative size": (raw(shape=[-1, 8, 8, 1]), "INVALID_ARGUMENT", "whole numbers from 0"),
    "none": (raw(shape=[0, 8, 8, 1]), "INVALID_ARGUMENT", "images is empty"),
    "too few bytes": (with_raws(b"1"), "INVALID_ARGUMENT", "has 1 bytes; its shape [2, 8, 8, 1]"),
    "two raws": (with_raws(b"", b""), "INVALID_ARGUMENT", "2 raw_input_contents; expected one"),
    "both": (with_contents(), "INVALID_ARGUMENT", "images has contents, and the request raw"),
    "neither": (with_raws(), "INVALID_ARGUMENT", "has 0 elements"),
    "a number above 255": (typed(values=[256] * 128), "INVALID_ARGUMENT", "contains 256"),
    "in another list": (typed("int_contents"), "INVALID_ARGUMENT", "has 0 elements"),
    "no image file": (
        typed("bytes_contents", [b"x"], **bytes_of(1)),
        "INVALID_ARGUMENT",
        "image 0 cannot be read",
    ),
    "another output": (wanting("x"), "INVALID_ARGUMENT", "there is no output 'x'"),
    "an output twice": (wanting("class_ids", "class_ids"), "INVALID_ARGUMENT", "wanted twice"),
    "too long": (with_raws(bytes(MAX_BODY_BYTES)), "RESOURCE_EXHAUSTED", "arger than max"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(channel, case):
    request, code, reason = WRONG[case]
    with pytest.raises(grpc.RpcError) as refused:
        infer(channel, request)
    assert refused.value.code().name == code
    assert reason in refused.value.details()


def test_compressed_requests_are_as_long_as_unpacked(channel, network):
    how = {"compression": grpc.Compression.Gzip, "answer": messages.ModelInferResponse}
    check(call(channel, "ModelInfer", raw(), **how), network)
    bomb = Request(model_name="tiny", raw_input_contents=[bytes(50 * MAX_BODY_BYTES)])
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, "ModelInfer", bomb, **how)
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_long_messages_that_wait_take_bounded_memory(served_model):
    limits = {"body_bytes": 3000, "small_bytes": 1000, "large_bodies": 2}
    long = Request(model_name="tiny", raw_input_contents=[bytes(2900)])
    with (
        running(Models(served_model), **limits) as (server, do),
        grpc.insecure_channel(server.address) as channel,
    ):
        turns = [object(), object()]
        for turn in turns:
            do(server.work._bodies.acquire_on_behalf_of_nowait, turn)
        method = "/inference.GRPCInferenceService/ModelInfer"
        ask = channel.unary_unary(method, None, None).future
        asked = [ask(long.SerializeToString(), timeout=60) for _ in range(5)]
        # Two wait, the others know at once.
        refused = set()
        deadline = time.monotonic() + 20
        while len(refused) < 3 and time.monotonic() < deadline:
            refused = {one for one in asked if one.done()}
            time.sleep(0.01)
        reasons = [(one.code().name, "wait already" in one.details()) for one in refused]
        assert reasons == [("UNAVAILABLE", True)] * 3
        infer(channel, raw())
        for turn in turns:
            do(server.work._bodies.release_on_behalf_of, turn)
        left = [one.code().name for one in asked if one not in refused]
        assert left == ["INVALID_ARGUMENT"] * 2


def test_an_unknown_method_and_no_message(channel):
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, "ModelConfig")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    empty = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer", None, None)
    with pytest.raises(grpc.RpcError) as refused:
        empty(iter([]), timeout=20)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "there is no message" in refused.value.details()


def test_requests_are_counted(server, channel):
    infer(channel, raw())
    text = server.metrics.text().decode()
    line = 'darts_requests_total{protocol="open_inference_grpc",status="OK",verb="infer"}'
    assert line in text
    assert 'status="NOT_FOUND",verb="infer"' in text


def test_the_messages_of_client_libraries_fit_beside(channel):
    """A file of the same messages in the package `inference`, as clients have, is no collision."""
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto()
    messages.DESCRIPTOR.CopyToProto(file)
    text = file.SerializeToString()
    file = descriptor_pb2.FileDescriptorProto.FromString(text)
    file.name, file.package = "grpc_service.proto", "inference"
    for message in file.message_type:
        _rename(message)
    descriptor_pool.Default().Add(file)
    found = descriptor_pool.Default().FindMessageTypeByName("inference.ModelInferRequest")
    assert found.fields_by_name["raw_input_contents"].number == 7


def _rename(message):
    for field in message.field:
        if field.type_name:
            field.type_name = field.type_name.replace(".darts_tf.open_inference.", ".inference.")
    for nested in message.nested_type:
        _rename(nested)
