"""What a search says of a step's memory and time before the first one, beside what the step takes.

    python -m scripts.told_steps --size="darts-v1 64 cifar 4 3 8" --size="darts-v1 96 cifar 4 3 8"

Each text is a method, the height and width of the images, a stem, channels, cells and batch size,
and is measured in a process of its own. Times are of processors, shared by those that this machine
has, so that other work on it does not count.
"""

import json
import statistics
import subprocess
import sys

from absl import flags

from darts_tf.benchmark.measurement import available_cpus
from darts_tf.common.errors import UserError
from scripts import comparisons
from train import program

_STEPS = flags.DEFINE_integer("steps", 3, "Steps to measure.", lower_bound=1)
_SIZES = flags.DEFINE_multi_string(
    "size",
    [
        "darts-v1 64 cifar 4 3 8",
        "darts-v1 96 space_to_depth 4 3 8",
        "darts-v2 128 imagenet 4 3 8",
        "darts-v1 224 imagenet 4 3 8",
    ],
    "A method, pixels, a stem, channels, cells, batch size.",
)
_ONE = flags.DEFINE_string("one", None, "Measure this in this process.")


def main() -> None:
    """Measures every size in a process of its own."""
    if _ONE.value:
        print(json.dumps(_measure(_ONE.value)))
        return
    rows = []
    for size in _SIZES.value:
        command = [sys.executable, "-m", "scripts.told_steps"]
        command += [f"--one={size}", f"--steps={_STEPS.value}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise UserError(f"{size!r} could not be measured")
        rows.append(row(size, json.loads(done.stdout.splitlines()[-1])))
    titles = ["size", "memory, GB: told", "real", "ratio", "step, s: told", "real", "ratio"]
    print(comparisons.as_markdown(titles, rows))


def row(size: str, found: dict) -> list[str]:
    """The line of a table."""
    cells = [size]
    for told, real in (found["bytes"], found["seconds"]):
        scale = 1e9 if real > 1e6 else 1
        cells += [f"{told / scale:.2f}", f"{real / scale:.2f}", f"{told / real:.2f}"]
    return cells


def _measure(text: str) -> dict:
    import train.startup  # noqa: F401  TensorFlow is first imported here

    from darts_tf import macros, methods, spaces
    from darts_tf.benchmark import workloads
    from darts_tf.benchmark.measurement import Stopwatch, peak_memory
    from darts_tf.search.architecture_search import ArchitectureSearch
    from train import step_costs

    method, pixels, stem, *counts = text.split()
    channels, cells, batch_size = map(int, counts)
    size = workloads.Size(channels, cells, batch_size, int(pixels))
    space = spaces.get("darts_cnn")
    macro = macros.with_stem(space.macro, stem)
    supernet = methods.get(method).make_supernet(
        space, size.image_shape, workloads.CLASSES, channels, cells, macro=macro
    )
    search = ArchitectureSearch(supernet, method)
    peak, seconds = step_costs.expected(search, batch_size)
    stopwatch = Stopwatch(_STEPS.value, 1)
    search.fit(
        *(workloads.random_batches(size, stopwatch.laps, seed)(0) for seed in (0, 1)),
        callbacks=[workloads.Laps(stopwatch, search.stop)],
        verbose=0,
    )
    took = statistics.median(stopwatch.step_cpu_seconds) / available_cpus()
    return {"bytes": [peak, peak_memory()], "seconds": [seconds, took]}


if __name__ == "__main__":
    program.run(main)
