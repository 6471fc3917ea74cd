"""Requests that the served tiny network answers, for tests to damage."""

import base64
import json

from tests.serving import tiny_network

V1 = "/v1/models/tiny:predict"
V2 = "/v2/models/tiny/infer"
IMAGE = tiny_network.random_images(1)[0]
PNG = tiny_network.encode(IMAGE)


def encoded(*files):
    """A body of image files."""
    rows = [{"b64": base64.b64encode(file).decode()} for file in files]
    return {"signature_name": "serving_bytes", "instances": rows}


def v2(**changes):
    """A body of version 2, with other entries of its tensor; `absent` leaves one out."""
    tensor = {
        "name": "images",
        "shape": [1, 8, 8, 1],
        "datatype": "UINT8",
        "data": IMAGE.reshape(-1).tolist(),
    }
    tensor.update(changes)
    return {"inputs": [{key: value for key, value in tensor.items() if value != "absent"}]}


def valid_body():
    """A body of version 1."""
    return json.dumps({"instances": [IMAGE.tolist()]}).encode()
