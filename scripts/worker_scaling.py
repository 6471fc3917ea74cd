"""A step of a search shared by 1, 2 and 4 processes: time, processor time, and the same results.

    python -m scripts.worker_scaling --workers=1,2,4 --turns=3
    python -m scripts.worker_scaling --workers=1,2,4 --turns=2 --precision=float64

Each process is a worker of `MultiWorkerMirroredStrategy` on this machine, named by `TF_CONFIG` as
on several machines, and is bound to one core, worker i to core i modulo their number. The global
batch is the same whatever the number of workers. All processes live at the same time, but only
those of one number of workers compute, in turn, while the others wait. A row says how long a step
takes against that of one process, and how much processor time all workers together spend.

At the end alphas, weights and moving statistics of all are compared with those of one process, and
the largest difference is told. Whether there is more to it than the order of sums is decided in
float64: more than 1e-10 apart, the exit code is 1. In float32 there is no such bound: Adam moves an
alpha by its whole learning rate, which is large where there are few steps, whichever sign a
gradient near 0 has got from rounding.
"""

import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile

from absl import flags

from darts_tf.benchmark.measurement import YOUR_TURN
from darts_tf.common import json_text
from darts_tf.common.errors import UserError
from scripts import comparisons
from train import program

_WORKERS = flags.DEFINE_list("workers", ["1", "2", "4"], "Numbers of processes; the first is 1.")
_METHOD = flags.DEFINE_string("method", "darts-v1", "The search method.")
_SPACE = flags.DEFINE_string("space", "nas_bench_201", "The search space.")
_CHANNELS = flags.DEFINE_integer("channels", 16, "Of the supernet.")
_CELLS = flags.DEFINE_integer("cells", 3, "Of the supernet.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "The global batch.")
_PRECISION = flags.DEFINE_enum(
    "precision", "float32", ["float32", "float64"], "What everything is computed in."
)
_STEPS = flags.DEFINE_integer("steps", 2, "Steps of a turn.", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 3, "Turns of each number of processes.", lower_bound=2)
_JSON = flags.DEFINE_string("json", "", "A file that the numbers are written to, too.")
_OUTPUT = flags.DEFINE_string("output", None, "Of one worker: where its variables are written.")
# Largest difference of any variable after a few steps, of float64 sums in another order.
_TOLERANCE = 1e-10


def main() -> None:
    """Measures every number of workers in turn, or is one of them."""
    if _OUTPUT.value:
        _work(_OUTPUT.value)
        return
    numbers = [int(text) for text in _WORKERS.value]
    if numbers[0] != 1 or any(_BATCH_SIZE.value % n for n in numbers):
        raise UserError(
            f"--workers={','.join(_WORKERS.value)}: expected 1 first, and numbers that "
            f"--batch_size={_BATCH_SIZE.value} can be divided by"
        )
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        clusters = [stack.enter_context(Cluster(n, pathlib.Path(folder) / str(n))) for n in numbers]
        for cluster in clusters:
            cluster.start()
        for cluster in clusters:
            cluster.proceed()
        for _ in range(_TURNS.value):
            for cluster in clusters:
                cluster.take_turn()
        found = [cluster.result() for cluster in clusters]
        differences = [_difference(clusters[0], cluster) for cluster in clusters]
    print(as_table(numbers, found, differences))
    if _JSON.value:
        rows = zip(numbers, found, differences, strict=True)
        content = [{"workers": n, "difference": d, **f} for n, f, d in rows]
        pathlib.Path(_JSON.value).write_text(json_text.dumps(content, indent=2) + "\n")
    check(_PRECISION.value, differences)


def check(precision: str, differences: list[float]) -> None:
    """Refuses results that differ by more than the order of sums explains.

    Args:
        precision: what they were computed in; float32 explains any difference.
        differences: largest ones from one process.

    Raises:
        UserError: they do.
    """
    # Not a number is too much, too.
    if precision == "float64" and not all(value <= _TOLERANCE for value in differences):
        raise UserError(
            f"the results of several processes are up to {max(differences):g} from those of one, "
            f"where the order of sums explains {_TOLERANCE:g}"
        )


def tf_config(ports: list[int], index: int) -> str:
    """The `TF_CONFIG` of a worker on this machine."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})


class Cluster:
    """So many workers, which compute when it is their turn; a context.

    Args:
        count: number of processes.
        folder: where they write their variables.
    """

    def __init__(self, count: int, folder: pathlib.Path):
        self.count, self.folder = count, folder
        self._processes, self._last = [], []

    def start(self) -> None:
        """Starts them; each waits for its first turn after its first step."""
        self.folder.mkdir()
        cores, ports = sorted(os.sched_getaffinity(0)), _free_ports(self.count)
        for index in range(self.count):
            environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
            if self.count > 1:
                environment["TF_CONFIG"] = tf_config(ports, index)
            core = str(cores[index % len(cores)])
            words = [*sys.argv[1:], f"--output={self.folder / str(index)}"]
            process = subprocess.Popen(
                ["taskset", "-c", core, sys.executable, "-m", "scripts.worker_scaling", *words],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._processes.append(process)

    def proceed(self) -> None:
        """Waits until each waits for its turn, or has ended."""
        self._last = [self._proceed(process) for process in self._processes]

    def take_turn(self) -> None:
        """Lets them measure once, and waits for that."""
        for process in self._processes:
            process.stdin.write("\n")
            process.stdin.flush()
        self.proceed()

    def result(self) -> dict[str, list[float]]:
        """Seconds of a step by turn, and the processor time of all workers together."""
        found = [json.loads(line) for line in self._last]
        each = zip(*(one["cpu_seconds"] for one in found), strict=True)
        return {
            # A step ends for all at the same time.
            "seconds": found[0]["seconds"],
            "cpu_seconds": [sum(values) for values in each],
        }

    def _proceed(self, process) -> str:
        line = ""
        for line in process.stdout:
            if line.rstrip() == YOUR_TURN:
                return line
        if process.wait():
            raise UserError(f"a worker of {self.count} ended with exit code {process.returncode}")
        return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in found]


def as_table(numbers: list[int], found: list[dict], differences: list[float]) -> str:
    """The rows in Markdown; a ratio is the median of those of the turns."""
    titles = ["processes", "step, s", "/ one process", "step, CPU s of all", "/ one process"]
    rows = []
    for number, one, difference in zip(numbers, found, differences, strict=True):
        row = [str(number)]
        for name in ("seconds", "cpu_seconds"):
            ratios = [x / y for x, y in zip(one[name], found[0][name], strict=True)]
            row.append(f"{statistics.median(one[name]):.2f}")
            row.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        rows.append([*row, f"{difference:.1e}"])
    return comparisons.as_markdown([*titles, "largest difference"], rows)


def _difference(one: Cluster, other: Cluster) -> float:
    """The largest of all variables of all workers from those of one process."""
    import numpy as np

    from darts_tf.common import array_files

    expected = array_files.read(one.folder / "0")
    return max(
        float(np.abs(values - expected[name]).max())
        for index in range(other.count)
        for name, values in array_files.read(other.folder / str(index)).items()
    )


def _work(output: str) -> None:
    """Searches as one worker, or alone, and writes the variables."""
    import train.startup  # noqa: F401  TensorFlow is first imported here

    import keras

    from darts_tf.benchmark import workloads
    from darts_tf.benchmark.measurement import Stopwatch
    from darts_tf.common import array_files
    from darts_tf.search.architecture_search import ArchitectureSearch
    from darts_tf.supernets.supernet import Supernet
    from darts_tf.verification.supernets import TypedSupernet
    from train import strategies

    keras.config.set_floatx(_PRECISION.value)
    keras.config.set_dtype_policy(_PRECISION.value)
    name = "workers" if os.environ.get("TF_CONFIG") else "none"
    strategy = strategies.get(strategies.DeviceConfig(distribute=name), _BATCH_SIZE.value)
    size = workloads.Size(_CHANNELS.value, _CELLS.value, _BATCH_SIZE.value)
    # Its first turn begins when all processes have started.
    stopwatch = Stopwatch(_STEPS.value, 0, _TURNS.value)
    # All begin with the same weights.
    keras.utils.set_random_seed(0)
    with strategy.scope():
        # Others have alphas of float32.
        kind = TypedSupernet if _PRECISION.value == "float64" else Supernet
        supernet = kind(
            _SPACE.value, size.image_shape, workloads.CLASSES, size.channels, size.cells
        )
        search = ArchitectureSearch(supernet, _METHOD.value)
        search.fit(
            *(workloads.random_batches(size, stopwatch.laps, seed)(0) for seed in (0, 1)),
            callbacks=[workloads.Laps(stopwatch, search.stop)],
            verbose=0,
        )
    variables = [v for v in supernet.variables if v.dtype == _PRECISION.value]
    array_files.write(output, [variable.numpy() for variable in variables])
    steps = {"seconds": stopwatch.step_seconds, "cpu_seconds": stopwatch.step_cpu_seconds}
    count = _STEPS.value
    print(
        json.dumps(
            {
                key: [
                    statistics.mean(values[i * count : (i + 1) * count])
                    for i in range(_TURNS.value)
                ]
                for key, values in steps.items()
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    program.run(main)
