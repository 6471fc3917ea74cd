"""How many requests a second a server answers, by the number of clients that ask at once.

    python -m scripts.serve_throughput --run_dir=EVAL --model_dir=MODEL --clients=1,8

Each client asks for one image, waits for the answer, checks it against the Keras model's and asks
again. Numbers of clients are measured by turns on one server, each `--rounds` times, so that a
machine that is busy with other work slows all of them; the ratio to the first number counts.
"""

import concurrent.futures
import http.client
import json
import multiprocessing
import time

import numpy as np
from absl import flags

from scripts import load_server
from scripts.load_client import Known
from train import program

_CLIENTS = flags.DEFINE_list("clients", ["1", "8"], "Numbers of clients.")
_PROTOCOLS = ("tf_serving_rest", "open_inference_rest", "open_inference_grpc")
_PROTOCOL = flags.DEFINE_multi_enum("protocol", list(_PROTOCOLS), _PROTOCOLS, "The protocols.")
_SECONDS = flags.DEFINE_float("round_seconds", 5, "How long each turn is.", lower_bound=0.1)
_ROUNDS = flags.DEFINE_integer("rounds", 3, "How many turns each number has.", lower_bound=1)
_SERVER_FLAGS = flags.DEFINE_list("server_flags", [], "Further flags of train.serve.")
_TOLERANCE = 1e-5


def main() -> None:
    """Measures as the flags say."""
    known = load_server.known_answers()
    with load_server.server(load_server.model_dir(), _SERVER_FLAGS.value) as running:
        place, counts = (running.port, running.grpc_port), [int(n) for n in _CLIENTS.value]
        print(f"{'protocol':<22}{'clients':>8}{'requests/s':>12}{'ratio':>8}")
        for protocol in _PROTOCOL.value:
            found = measure(known, place, protocol, counts, _SECONDS.value)
            first = np.median(found[counts[0]])
            for count, rates in found.items():
                rate = np.median(rates)
                print(f"{protocol:<22}{count:>8}{rate:>12.1f}{rate / first:>8.2f}", flush=True)


def measure(known: Known, place, protocol: str, counts: list[int], seconds: float) -> dict:
    """Answers a second by number of clients, one for each turn.

    Args:
        known: images and what is right for them.
        place: the server's ports for HTTP and gRPC.
        protocol: the protocol.
        counts: numbers of clients.
        seconds: how long each turn is.
    """
    found = {count: [] for count in counts}
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(max(counts), context) as pool:
        for turn in range(_ROUNDS.value + 1):
            for count in counts:
                start = time.monotonic() + 0.5
                # All start, and the network is called for once, before anything is measured.
                args = (known, place, protocol, start, start + (seconds if turn else 1))
                futures = [pool.submit(_ask, seed, *args) for seed in range(count)]
                answers = sum(future.result() for future in futures)
                if turn:
                    found[count].append(answers / seconds)
    return found


def _ask(seed: int, known: Known, place, protocol: str, start: float, end: float) -> int:
    """The number of answers that came before the end."""
    ask, count = _ASK[protocol](known, *place), 0
    time.sleep(max(0, start - time.monotonic()))
    while True:
        index = (seed + count) % len(known.images)
        probabilities = ask(known.images[index : index + 1])
        if time.monotonic() > end:
            return count
        difference = np.abs(probabilities - known.probabilities[index]).max()
        assert difference < _TOLERANCE, difference
        count += 1


def _rows(known, port, grpc_port):
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(image):
        body = json.dumps({"instances": image.tolist()})
        connection.request("POST", f"/v1/models/{known.name}:predict", body)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer[:200]
        return json.loads(answer)["predictions"][0]["probabilities"]

    return ask


def _binary(known, port, grpc_port):
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(image):
        tensor = {"name": "images", "datatype": "UINT8", "shape": image.shape}
        size = {"parameters": {"binary_data_size": image.size}}
        outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}]
        head = json.dumps({"inputs": [tensor | size], "outputs": outputs}).encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        body = head + image.tobytes()
        connection.request("POST", f"/v2/models/{known.name}/infer", body, headers)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer[:200]
        length = int(response.headers["Inference-Header-Content-Length"])
        return np.frombuffer(answer[length:], np.float32)

    return ask


def _grpc(known, port, grpc_port):
    import grpc

    from darts_tf.serving import open_inference_pb2 as messages

    channel = grpc.insecure_channel(f"127.0.0.1:{grpc_port}")
    infer = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        messages.ModelInferRequest.SerializeToString,
        messages.ModelInferResponse.FromString,
    )

    def ask(image):
        request = messages.ModelInferRequest(
            model_name=known.name, raw_input_contents=[image.tobytes()]
        )
        request.inputs.add(name="images", datatype="UINT8", shape=image.shape)
        request.outputs.add(name="probabilities")
        return np.frombuffer(infer(request).raw_output_contents[0], np.float32)

    return ask


_ASK = dict(zip(_PROTOCOLS, (_rows, _binary, _grpc), strict=True))

if __name__ == "__main__":
    program.run(main)
