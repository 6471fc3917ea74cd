"""TensorFlow Serving's gRPC API, asked by its own package."""

import tracemalloc

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from darts_tf.serving import tf_serving_grpc
from darts_tf.serving.models import Models
from tests.serving import tiny_network
from tests.serving.grpc_running import running

IMAGES = tiny_network.random_images(2)


@pytest.fixture(scope="module")
def channel(served_model):
    with (
        running(Models(served_model)) as (server, _),
        grpc.insecure_channel(server.address) as channel,
    ):
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def request(values=IMAGES, name="images", **spec):
    found = predict_pb2.PredictRequest()
    found.model_spec.name = "tiny"
    for key, value in spec.items():
        setattr(found.model_spec, key, value)
    if isinstance(values, np.ndarray | list):
        values = tf.make_tensor_proto(values)
    found.inputs[name].CopyFrom(values)
    return found


def check(response, network, images=IMAGES):
    expected = tiny_network.expected_probabilities(network, images)
    found = {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}
    assert set(found) == {"class_ids", "class_names", "probabilities"}
    assert found["probabilities"].dtype == np.float32
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-6)
    assert found["class_ids"].tolist() == expected.argmax(axis=1).tolist()
    names = [tiny_network.CLASS_NAMES[index].encode() for index in expected.argmax(axis=1)]
    assert found["class_names"].tolist() == names
    # Clients in other languages read the lists.
    assert len(response.outputs["probabilities"].float_val) == expected.size


def typed(values, shape=IMAGES.shape):
    proto = tf.make_tensor_proto(0, tf.uint8)
    proto.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    proto.int_val[:] = values
    return proto


def test_predict(stub, network):
    response = stub.Predict(request(), timeout=20)
    check(response, network)
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("tiny", 1, "serving_default")
    check(stub.Predict(request(typed(IMAGES.reshape(-1).tolist())), timeout=20), network)


def test_the_last_number_stands_for_the_rest(stub, network):
    images = np.full([2, 8, 8, 1], 9, np.uint8)
    images[0, 0, 0] = 5
    check(stub.Predict(request(typed([5, 9])), timeout=20), network, images)
    check(stub.Predict(request(typed([9])), timeout=20), network, np.full_like(images, 9))


def test_a_short_message_takes_little_memory(served_model):
    asked = request(typed([9], [700_000, 8, 8, 1])).SerializeToString()
    tracemalloc.start()
    query = tf_serving_grpc.read(served_model.interface, asked)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert query.size == 700_000 and query.inputs["images"].max() == 9
    assert most < 1e6


def test_image_files(stub, network):
    files = [tiny_network.encode(image) for image in IMAGES]
    asked = request(files, "image_bytes", signature_name="serving_bytes")
    check(stub.Predict(asked, timeout=20), network)


def test_output_filter_and_version(stub):
    asked = request()
    asked.model_spec.version.value = 1
    asked.output_filter.append("class_ids")
    assert list(stub.Predict(asked, timeout=20).outputs) == ["class_ids"]


def test_metadata(stub, served_model):
    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = "tiny"
    response = stub.GetModelMetadata(asked, timeout=20)
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", 1)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert set(served_model.signature_def) == set(found.signature_def)
    images = found.signature_def["serving_default"].inputs["images"]
    assert [dim.size for dim in images.tensor_shape.dim] == [-1, 8, 8, 1]


def test_status(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = "tiny"
    (status,) = stub.GetModelStatus(asked, timeout=20).model_version_status
    assert (status.version, status.state, status.status.error_code) == (1, 30, 0)
    asked.model_spec.name = "x"
    with pytest.raises(grpc.RpcError) as refused:
        stub.GetModelStatus(asked, timeout=20)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def without_shape():
    proto = typed([1])
    proto.tensor_shape.unknown_rank = True
    return proto


def of_type(number):
    proto = typed([1])
    proto.dtype = number
    return proto


def of_version(number):
    asked = request()
    asked.model_spec.version.value = number
    return asked


WRONG = {
    "another input": (request(name="x"), "INVALID_ARGUMENT", "has the keys x; expected images"),
    "another version": (of_version(9), "NOT_FOUND", "there is no version '9'"),
    "version 0": (of_version(0), "NOT_FOUND", "there is no version '0'"),
    "a label": (request(version_label="new"), "INVALID_ARGUMENT", "version_label is 'new'"),
    "no signature": (request(signature_name="x"), "INVALID_ARGUMENT", "no signature 'x'"),
    "floats": (request(np.float32(IMAGES)), "INVALID_ARGUMENT", "DT_FLOAT; expected DT_UINT8"),
    "no shape": (request(without_shape()), "INVALID_ARGUMENT", "images has no shape"),
    "an unknown type": (request(of_type(9999)), "INVALID_ARGUMENT", "type 9999; expected DT_UINT8"),
    "another shape": (request(IMAGES[0]), "INVALID_ARGUMENT", "shape [8, 8, 1]; expected [any"),
    "no numbers": (request(typed([])), "INVALID_ARGUMENT", "has 0 elements"),
    "too many numbers": (request(typed([1] * 129)), "INVALID_ARGUMENT", "has 129 elements"),
    "a huge shape": (
        request(typed([1], [2_000_000, 8, 8, 1])),
        "RESOURCE_EXHAUSTED",
        "more than 50,000,000 numbers",
    ),
    "many of two numbers": (
        request(typed([1, 2], [20_000, 8, 8, 1])),
        "RESOURCE_EXHAUSTED",
        "at most 1,048,576: send all",
    ),
    "a number above 255": (request(typed([256])), "INVALID_ARGUMENT", "images contains 256"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(stub, case):
    asked, code, reason = WRONG[case]
    with pytest.raises(grpc.RpcError) as refused:
        stub.Predict(asked, timeout=20)
    assert (refused.value.code().name, reason in refused.value.details()) == (code, True), (
        refused.value.details()
    )
