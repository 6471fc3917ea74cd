"""Requests of all forms that arrive together are one run of the network, with answers as alone."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fastapi.testclient import TestClient

from darts_tf.serving.app import create_app
from darts_tf.serving.limits import Limits
from darts_tf.serving.models import Models
from tests.serving import tiny_network
from tests.serving.good_requests import V1, V2, encoded

IMAGES = tiny_network.random_images(8)


class Watched:
    """The model, which runs when it may, and how many images each run had."""

    def __init__(self, model):
        self._model, self.interface, self.name = model, model.interface, model.name
        self.version, self.step_images = model.version, model.step_images
        self.prepare, self.joins, self.check_outputs = model.prepare, model.joins, lambda _: None
        self.sizes, self.may_go_on = [], threading.Event()

    def steps(self, signature, inputs):
        yield self.run(*self.prepare(signature, inputs))

    def run(self, signature, inputs):
        self.sizes.append(len(inputs["images"]))
        assert self.may_go_on.wait(20)
        return self._model.run(signature, inputs)


def rows(start, stop):
    return V1, {"instances": IMAGES[start:stop].tolist()}


def files(start, stop):
    return V1, encoded(*(tiny_network.encode(image) for image in IMAGES[start:stop]))


def tensors(start, stop):
    data = IMAGES[start:stop].reshape(-1).tolist()
    shape = [stop - start, 8, 8, 1]
    return V2, {"inputs": [{"name": "images", "datatype": "UINT8", "shape": shape, "data": data}]}


def probabilities(answer):
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if "predictions" in body:
        return [row["probabilities"] for row in body["predictions"]]
    (found,) = [o["data"] for o in body["outputs"] if o["name"] == "probabilities"]
    return np.reshape(found, [-1, 4])


def ask_together(served_model, **limits):
    """The sizes of the runs, and the probabilities of all images."""
    model = Watched(served_model)
    parts = [rows(0, 1), rows(1, 3), files(3, 5), tensors(5, 8)]
    app = create_app(Models(model), Limits(**limits))
    with TestClient(app) as client, ThreadPoolExecutor(len(parts)) as pool:
        answers = []
        for path, body in parts:
            answers.append(pool.submit(client.post, path, json=body))
            # One after the other, so that it is known what the first run has.
            time.sleep(0.1)
        model.may_go_on.set()
        return model.sizes, np.concatenate([probabilities(a.result(20)) for a in answers])


def test_joint_answers_are_those_of_each_alone(served_model, network):
    expected = tiny_network.expected_probabilities(network, IMAGES)
    sizes, found = ask_together(served_model, batch_size=32)
    assert sizes == [1, 7]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    sizes, alone = ask_together(served_model, batch_size=0, threads=4)
    assert sizes == [1, 2, 2, 3]
    np.testing.assert_allclose(alone, found, atol=1e-6)
