"""Mixed load on a real server, and every answer checked against the Keras model.

    python -m scripts.load_server --run_dir=EVAL --model_dir=MODEL --seconds=300

EVAL is what train.evaluate wrote, MODEL what train.export made of it. Clients in processes of
their own ask at the same time: small requests of both protocols over HTTP, in JSON and in binary,
and over gRPC, with pixels and with PNG files; large ones (`--largest_mb`), wrong ones, ones that
arrive slowly or in part, clients that leave, the page, the metrics and the health checks. A report
says how many answers of each kind came, after how long, what was wrong, and what memory the
server's process had; with anything wrong the exit code is 1. Only this machine is asked.
"""

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import flags

from darts_tf.common.errors import UserError
from scripts import load_clients
from train import program

_RUN_DIR = flags.DEFINE_string("run_dir", None, "The folder that train.evaluate wrote.")
_MODEL_DIR = flags.DEFINE_string("model_dir", None, "The folder that train.export made of it.")
_SECONDS = flags.DEFINE_float("seconds", 300, "How long the clients ask.", lower_bound=1)
_LARGEST_MB = flags.DEFINE_float("largest_mb", 8, "The longest requests.", lower_bound=0.2)
_MEMORY_PROBE = flags.DEFINE_string(
    "memory_probe", "", "A file that the server writes its memory to; see scripts.probed_server."
)
_NAME = "loaded"
CLIENTS = (*load_clients.KINDS, "pixels", "files", "large")


@dataclasses.dataclass
class Report:
    """The result of a load.

    Attributes:
        counts: the number of answers by kind of client and status.
        waits: the seconds until each answer, by kind of client.
        wrong: what was wrong, in words.
        code: the server's exit code after SIGTERM.
        stop_seconds: how long it took to end.
        log: what the server wrote to standard error.
        memory: the process' resident memory in MB, once a second.
    """

    counts: dict[str, int]
    waits: dict[str, list[float]]
    wrong: list[str]
    code: int
    stop_seconds: float
    log: str
    memory: list[float]

    def __str__(self):
        lines = [f"{'answers':<30}{'number':>8}{'median, s':>12}{'longest, s':>12}"]
        for name in sorted(self.counts):
            waits = self.waits[name]
            lines.append(
                f"{name:<30}{self.counts[name]:>8}{np.median(waits):>12.3f}{max(waits):>12.3f}"
            )
        lines.append(f"{sum(self.counts.values())} answers, {len(self.wrong)} wrong")
        lines += self.wrong[:20]
        quarters = [np.median(part) for part in np.array_split(self.memory, 4) if len(part)]
        lines.append("memory by quarters: " + ", ".join(f"{part:.0f}" for part in quarters) + " MB")
        lines.append(f"SIGTERM: exit code {self.code} after {self.stop_seconds:.1f} s")
        return "\n".join([*lines, *self.log.splitlines()[:20]])


def main() -> None:
    """Loads the server as the flags say."""
    report = load(model_dir(), known_answers(), _SECONDS.value, _LARGEST_MB.value)
    print(report)
    if report.wrong or report.code or report.log:
        sys.exit(1)


def model_dir() -> str:
    """The flag of this name.

    Raises:
        UserError: it is missing.
    """
    if not _RUN_DIR.value or not _MODEL_DIR.value:
        raise UserError("give --run_dir and --model_dir")
    return _MODEL_DIR.value


def known_answers() -> load_clients.Known:
    """Images and what the Keras model of `--run_dir` answers."""
    model_dir()
    import train.startup  # noqa: F401  TensorFlow is first imported here

    import keras

    from darts_tf import datasets

    run = pathlib.Path(_RUN_DIR.value)
    data = datasets.load_description(run / "data.json")
    network = keras.saving.load_model(run / "model.keras", compile=False)
    images = random_images(data["image_shape"], 512)
    expected = probabilities(network, images, data["mean"], data["std"])
    return load_clients.Known(_NAME, images, expected, data["class_names"])


def random_images(shape, count: int) -> np.ndarray:
    """uint8 `[count, H, W, C]`: noise of different brightness, so that answers differ."""
    generator = np.random.default_rng(1)
    brightest = generator.integers(1, 257, [count, 1, 1, 1])
    return (generator.random([count, *shape]) * brightest).astype(np.uint8)


def probabilities(network, images, mean, std) -> np.ndarray:
    """The answers that a server must give: `[B, K]`, by the Keras model and NumPy."""
    mean, std = np.float32(mean), np.float32(std)
    logits = network.predict((images / np.float32(255) - mean) / std, verbose=0)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def load(
    model_dir, known: load_clients.Known, seconds: float, largest_mb: float, kinds=CLIENTS
) -> Report:
    """Starts the server, lets all kinds of clients ask at once, and stops it.

    Args:
        model_dir: the exported model.
        known: images and what is right for them.
        seconds: how long each client asks.
        largest_mb: the size of the largest requests, in MB.
        kinds: one of `load_clients.KINDS` for each client.
    """
    probe = _MEMORY_PROBE.value if flags.FLAGS.is_parsed() else ""
    with (
        server(model_dir, memory_probe=probe) as running,
        concurrent.futures.ProcessPoolExecutor(
            len(kinds), multiprocessing.get_context("spawn")
        ) as pool,
    ):
        ports = running.port, running.grpc_port
        futures = [
            pool.submit(load_clients.ask, kind, seed, ports, known, seconds, largest_mb)
            for seed, kind in enumerate(kinds)
        ]
        memory = []
        while concurrent.futures.wait(futures, 1).not_done:
            memory.append(_resident_mb(running.process.pid))
        counts, waits, wrong = {}, {}, []
        for kind, future in zip(kinds, futures, strict=True):
            answers, found = future.result(timeout=seconds + 200)
            wrong += found
            for status, wait in answers:
                name = f"{kind} {status}"
                counts[name] = counts.get(name, 0) + 1
                waits.setdefault(name, []).append(wait)
        start = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        code = running.process.wait(30)
        stop_seconds = time.monotonic() - start
        running.log.seek(0)
        return Report(counts, waits, wrong, code, stop_seconds, running.log.read(), memory)


def _resident_mb(pid: int) -> float:
    text = pathlib.Path(f"/proc/{pid}/statm").read_text()
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclasses.dataclass
class Running:
    """A server in a process of its own.

    Attributes:
        process: the process.
        port: for HTTP.
        grpc_port: for gRPC.
        log: the file that it writes its errors to.
    """

    process: subprocess.Popen
    port: int
    grpc_port: int
    log: object


@contextlib.contextmanager
def server(model_dir, further_flags=(), memory_probe: str = ""):
    """Starts a server on free ports of this machine; the context is a `Running`."""
    module = "scripts.probed_server" if memory_probe else "train.serve"
    command = [sys.executable, "-m", module, f"--model_dir={model_dir}", "--port=0"]
    command += [f"--name={_NAME}", "--grpc_port=0", *further_flags]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MEMORY_PROBE": memory_probe},
        )
        try:
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/ and grpc://127\.0\.0\.1:(\d+)", line)
            if not found:
                log.seek(0)
                raise UserError(f"the server did not start: {line} {log.read()}")
            yield Running(process, int(found[1]), int(found[2]), log)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


if __name__ == "__main__":
    program.run(main)
