"""Triton's client with its defaults: `triton.py HTTP_ADDRESS GRPC_ADDRESS`; fails if it is refused.

It runs in the environment of scripts/make_clients_venv.sh. Stdin is a JSON object with `images`,
`files`, what is right, `probabilities` and `names`, and `blocks`, programs as in blocks.py.
"""

import json
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils

known = json.load(sys.stdin)
images = np.array(known["images"], np.uint8)
files = np.array([bytes.fromhex(text) for text in known["files"]], object)


def check(answer):
    np.testing.assert_allclose(answer.as_numpy("probabilities"), known["probabilities"], atol=1e-6)
    names = [
        name if isinstance(name, str) else name.decode() for name in answer.as_numpy("class_names")
    ]
    assert names == known["names"], names


def vars_of(message, *names):
    return {name: getattr(message, name) for name in names}


for library, address in zip((tritonclient.http, tritonclient.grpc), sys.argv[1:], strict=True):
    client = library.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits")
    assert not client.is_model_ready("other")
    server, model = client.get_server_metadata(), client.get_model_metadata("digits")
    if library is tritonclient.grpc:
        server, model = (
            {"name": m.name, "extensions": getattr(m, "extensions", ())} for m in (server, model)
        )
    assert server["name"] == "darts_tf" and "binary_tensor_data" in server["extensions"]
    assert model["name"] == "digits"
    tensor = library.InferInput("images", images.shape, "UINT8")
    tensor.set_data_from_numpy(images)
    check(client.infer("digits", [tensor]))
    check(client.infer("digits", [tensor], model_version="1", request_id="7"))
    encoded = library.InferInput("image_bytes", files.shape, "BYTES")
    encoded.set_data_from_numpy(files)
    check(client.infer("digits", [encoded]))
    wanted = [library.InferRequestedOutput(n) for n in ("class_names", "probabilities")]
    check(client.infer("digits", [tensor], outputs=wanted))
    if library is tritonclient.grpc:
        for how in ("gzip", "deflate"):
            check(client.infer("digits", [tensor], compression_algorithm=how))
    if library is tritonclient.http:
        for how in ("gzip", "deflate"):
            check(client.infer("digits", [tensor], request_compression_algorithm=how))
            check(client.infer("digits", [tensor], response_compression_algorithm=how))
        check(client.async_infer("digits", [tensor]).get_result())
        plain = library.InferInput("images", images.shape, "UINT8")
        plain.set_data_from_numpy(images, binary_data=False)
        wanted = [library.InferRequestedOutput(w.name(), binary_data=False) for w in wanted]
        check(client.infer("digits", [plain], outputs=wanted))
    for name, reason in (
        ("other", "there is no model 'other'"),
        ("digits", "expected [any, 8, 8, 1]"),
    ):
        wrong = library.InferInput("images", [1, 64], "UINT8")
        wrong.set_data_from_numpy(np.zeros([1, 64], np.uint8))
        try:
            client.infer(name, [wrong])
        except tritonclient.utils.InferenceServerException as error:
            assert reason in error.message(), error.message()
        else:
            raise AssertionError("not refused")
    client.close()
for block in known["blocks"]:
    names = {"images": images}
    exec(block, names)  # noqa: S102
    np.testing.assert_allclose(names["probabilities"], known["probabilities"], atol=1e-6)
