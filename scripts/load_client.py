"""A client of scripts.load_server: its requests, and what is right for their answers."""

import base64
import dataclasses
import http.client
import io
import json

import numpy as np
from PIL import Image

#: Seconds that a client waits for an answer.
TIMEOUT = 100
_TOLERANCE = 1e-5
#: Ways to send images.
HOW = ("v1 rows", "v1 columns", "v2 flat", "v2 nested", "v1 files", "v2 files")


@dataclasses.dataclass(frozen=True)
class Known:
    """Images and what is right for them.

    Attributes:
        name: the model's name in addresses.
        images: uint8 `[N, H, W, C]`.
        probabilities: `[N, K]`.
        class_names: the K names.
    """

    name: str
    images: np.ndarray
    probabilities: np.ndarray
    class_names: list[str]


class Client:
    """One client with a connection of its own.

    Args:
        random: chooses what is asked.
        ports: the server's, for HTTP and gRPC.
        known: what is right.
        largest_mb: the size of the largest requests, in MB.
    """

    def __init__(self, random, ports: tuple[int, int], known: Known, largest_mb: float):
        self.random, self.known, self.largest_mb = random, known, largest_mb
        self.port, self.grpc_port = ports
        self.v1 = f"/v1/models/{known.name}:predict"
        self.v2 = f"/v2/models/{known.name}/infer"
        self.texts = [json.dumps(image.tolist()) for image in known.images]
        self.flat_texts = [json.dumps(image.reshape(-1).tolist())[1:-1] for image in known.images]
        self.files = [base64.b64encode(png(image)).decode() for image in known.images]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def choose(self, count: int) -> list[int]:
        """The numbers of `count` images."""
        return self.random.choices(range(len(self.texts)), k=count)

    def request(self, method, path, body=None, content_type="application/json"):
        """Asks and returns the status and the whole answer."""
        try:
            self.connection.request(method, path, body, {"Content-Type": content_type})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # An idle connection may be closed at any time; a new one must answer.
            self.connection.close()
            self.connection.request(method, path, body, {"Content-Type": content_type})
            response = self.connection.getresponse()
            return response.status, response.read()

    def body(self, indices, how: str) -> tuple[str, bytes, object]:
        """A request: its path, its body, and the function that checks its answer.

        Args:
            indices: the numbers of its images.
            how: one of `HOW`.
        """
        if how == "v1 rows":
            return self.v1, _list("instances", self._of(self.texts, indices)), self.check_rows
        if how == "v1 columns":
            return self.v1, _list("inputs", self._of(self.texts, indices)), self.check_columns
        if how == "v1 files":
            rows = [f'{{"b64": "{self.files[index]}"}}' for index in indices]
            body = _list("instances", rows, '"signature_name": "serving_bytes", ')
            return self.v1, body, self.check_rows
        name, kind, texts, shape = {
            "v2 flat": ("images", "UINT8", self.flat_texts, self.known.images.shape[1:]),
            "v2 nested": ("images", "UINT8", self.texts, self.known.images.shape[1:]),
            "v2 files": ("image_bytes", "BYTES", [f'"{file}"' for file in self.files], ()),
        }[how]
        start = json.dumps({"name": name, "datatype": kind, "shape": [len(indices), *shape]})[:-1]
        data = ", ".join(self._of(texts, indices))
        body = f'{{"id": "{len(indices)}", "inputs": [{start}, "data": [{data}]}}]}}'
        return self.v2, body.encode(), self.check_tensors

    def ask(self, count: int, how: str):
        """Asks once and checks the answer."""
        indices = self.choose(count)
        path, body, check = self.body(indices, how)
        status, answer = self.request("POST", path, body)
        if status != 200:
            raise AssertionError(f"{how}, {count} images: {status} {answer[:200]}")
        check(indices, json.loads(answer))
        return status

    def check_rows(self, indices, answer):
        """Checks an answer in row format."""
        rows = answer["predictions"]
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        self.check(indices, columns)

    def check_columns(self, indices, answer):
        """Checks an answer in column format."""
        self.check(indices, answer["outputs"])

    def check_tensors(self, indices, answer):
        """Checks an answer of the Open Inference Protocol."""
        assert answer["id"] == str(len(indices)), answer["id"]
        tensors = {tensor["name"]: tensor for tensor in answer["outputs"]}
        probabilities = tensors["probabilities"]
        assert probabilities["shape"] == [len(indices), len(self.known.class_names)]
        values = {name: tensor["data"] for name, tensor in tensors.items()}
        values["probabilities"] = np.reshape(values["probabilities"], probabilities["shape"])
        self.check(indices, values)

    def check(self, indices, columns):
        """Checks that the answer's values are those of the Keras model."""
        expected = self.known.probabilities[indices]
        found = np.array(columns["probabilities"])
        assert found.shape == expected.shape, (found.shape, expected.shape)
        assert np.abs(found - expected).max() < _TOLERANCE, np.abs(found - expected).max()
        # Where two classes are equally likely either is right.
        chosen = expected[np.arange(len(indices)), columns["class_ids"]]
        assert (chosen > expected.max(axis=1) - _TOLERANCE).all(), "another class"
        names = [self.known.class_names[index] for index in columns["class_ids"]]
        assert names == columns["class_names"], "another name"

    def _of(self, texts, indices):
        return [texts[index] for index in indices]


def png(image: np.ndarray) -> bytes:
    """A PNG file of a uint8 image `[H, W, C]`."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
    return file.getvalue()


def _list(key: str, rows, before: str = "") -> bytes:
    return f'{{{before}"{key}": [{", ".join(rows)}]}}'.encode()
