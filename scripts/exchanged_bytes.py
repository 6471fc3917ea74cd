"""What the replicas of a search's step exchange, counted in the traced step of two of them.

    python -m scripts.exchanged_bytes --methods=darts-v1,darts-v2,gdas --channels=16 --cells=8

A table says for each method how many all-reduces a step has, and of how many bytes, beside what is
computed from that: how long 8 replicas would exchange with nothing computed meanwhile, for the
bandwidths and latencies of `LINKS`. Those links were not measured. The step is traced and run once,
on two logical CPUs and a tiny batch, of which the numbers do not depend.

Every replica traces every operation of every pass, because replicas exchange inside of them and so
cannot share a function: at 4 channels and 3 cells of nas_bench_201 the graph of two has 13 times
the operations of one device's, and takes four times as long. The sizes above took more than ten
minutes of a busy core; `--channels=4 --cells=3` takes one. For `darts-v1`
`darts_tf.benchmark.communication.of_first_order_step` computes any size without a trace.
"""

import train.startup  # noqa: F401  TensorFlow is first imported here

import tensorflow as tf
from absl import flags

from darts_tf import methods
from darts_tf.benchmark import communication, workloads
from darts_tf.search.architecture_search import ArchitectureSearch
from scripts import comparisons
from train import program, strategies

_METHODS = flags.DEFINE_list("methods", ["darts-v1"], "The search methods.")
_SPACE = flags.DEFINE_string("space", "darts_cnn", "The search space.")
_CHANNELS = flags.DEFINE_integer("channels", 16, "Of the supernet.")
_CELLS = flags.DEFINE_integer("cells", 8, "Of the supernet.")
_REPLICAS = 8
#: Name -> bytes a second that a replica sends, and seconds a message, as makers and users say.
LINKS = {
    "NVLink, 300 GB/s, 3 µs": (300e9, 3e-6),
    "PCIe, 20 GB/s, 5 µs": (20e9, 5e-6),
    "Ethernet, 25 Gbit/s, 20 µs": (25e9 / 8, 20e-6),
}


def main() -> None:
    """Counts for every method."""
    strategy = strategies.get(strategies.DeviceConfig(distribute="mirrored", cpu_devices=2), 2)
    titles = ["method", "all-reduces", "MB", "largest, MB", *(f"ms, {name}" for name in LINKS)]
    print(comparisons.as_markdown(titles, []), end="", flush=True)
    for name in _METHODS.value:
        print(f"| {' | '.join(row(name, measure(strategy, name)))} |", flush=True)


def row(method: str, found: communication.Traffic) -> list[str]:
    """The line of a table."""
    seconds = [found.seconds(_REPLICAS, *link) for link in LINKS.values()]
    sizes = [f"{size / 1e6:.2f}" for size in (found.bytes, 4 * max(found.elements))]
    return [method, f"{len(found.elements):,}", *sizes, *(f"{1e3 * x:.0f}" for x in seconds)]


def measure(strategy: tf.distribute.Strategy, method: str) -> communication.Traffic:
    """What a step of a method exchanges under a strategy."""
    size = workloads.Size(_CHANNELS.value, _CELLS.value, strategy.num_replicas_in_sync)
    with strategy.scope():
        supernet = methods.get(method).make_supernet(
            _SPACE.value, size.image_shape, workloads.CLASSES, size.channels, size.cells
        )
        search = ArchitectureSearch(supernet, method)
        data = (workloads.random_batches(size, 1, seed)(0) for seed in (0, 1))
        search.fit(*data, verbose=0)
    return communication.traffic(search.trainer.train_function.traced)


if __name__ == "__main__":
    program.run(main)
