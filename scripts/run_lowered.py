"""Runs a step that `python -m train.benchmark --lower=FOLDER` has written, checks it and times it.

    python scripts/run_lowered.py FOLDER --device=gpu --steps=20

This file and `lowered_steps.py` beside it, the folder, numpy and JAX are all that is needed: no
TensorFlow, nothing else of this project.
The steps follow each other from the folder's initial values on the folder's batches. After as many
as TensorFlow has run there, every variable and every result is compared with TensorFlow's; then
steps are timed. Exit code 0: all numbers within the tolerance; 1: not; 2: it could not be run.

The difference of a variable is measured in units of the farthest that any of its numbers has moved,
so that a step that forgot the momentum or the decay of weights is found, however small it is.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

# What is missing is said there, in a line.
from lowered_steps import STARTED, Folder, Steps, check, fail, jax, np

#: The same word as in `darts_tf.benchmark.measurement`.
YOUR_TURN = "waiting for its turn"


def wait_for_turn() -> None:
    """Says that it waits, and returns when there is a line on the standard input."""
    print(YOUR_TURN, flush=True)
    if not sys.stdin.readline():
        fail("--takes_turns: nobody gave this process its turn; leave it out")


def measure(steps: Steps, count: int, warmup: int, turns: int) -> tuple[list, list]:
    """Seconds, and seconds of the processor, of each of `turns * count` steps."""
    seconds, cpu_seconds = [], []
    for _ in range(warmup):
        steps()
    for _ in range(turns):
        if turns > 1:
            wait_for_turn()
        for _ in range(count):
            start, cpu = time.perf_counter(), time.process_time()
            steps()
            seconds.append(time.perf_counter() - start)
            cpu_seconds.append(time.process_time() - cpu)
    return seconds, cpu_seconds


def peak_memory(device) -> int:
    """Most bytes of the device's memory; of the process where the device does not tell."""
    told = device.memory_stats() or {}
    if "peak_bytes_in_use" in told:
        return int(told["peak_bytes_in_use"])
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def find_device(name: str | None):
    """A device of JAX by its platform and number."""
    try:
        if name is None:
            return jax.devices()[0]
        platform, _, number = name.partition(":")
        return jax.devices(platform)[int(number or 0)]
    except (RuntimeError, ValueError, IndexError) as error:
        there = ", ".join(str(d) for d in jax.devices())
        fail(f"--device={name}: {str(error).splitlines()[0]}; here are: {there}")


def run(folder: Folder, program: str, device, options, say) -> dict:
    """Checks and times one program; all that was found, for JSON."""
    steps = Steps(folder, program, device)
    planned = steps.memory and {k: f"{v / 1e6:,.1f} MB" for k, v in steps.memory.items()}
    say(f"\nprogram {program!r}, compiled in {steps.compile_seconds:.1f} s")
    say(f"memory that it plans: {planned}")
    differences = check(folder, steps, program)
    found, wrong = differences.found, differences.wrong
    started = time.perf_counter() - STARTED
    say(f"after {folder.manifest['steps']} steps, largest differences from TensorFlow:")
    for name, one in found.items():
        value, allowed = one["difference"], one["allowed"]
        say(f"  {name:24} {value:8.1e}  (allowed {allowed:.0e})  {one['where']}")
    for line in wrong[:10]:
        say(f"  WRONG: {line}")
    if left := differences.left_out:
        named = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        say(f"  not compared, because roundings alone move them: {named}")
    if weak := differences.weak:
        say(f"  where not to have moved would be within the tolerance, too: {', '.join(weak)}")
    say(f"  {'all within the tolerance' if not wrong else f'{len(wrong)} numbers are wrong'}")
    seconds, cpu_seconds = measure(steps, options.steps, options.warmup, options.takes_turns)
    memory = peak_memory(device)
    say(
        f"{len(seconds)} steps: median {statistics.median(seconds):.4f} s "
        f"({min(seconds):.4f} to {max(seconds):.4f}), of the processor "
        f"{statistics.median(cpu_seconds):.4f} s; peak memory {memory / 1e9:.3f} GB"
    )
    return {
        "program": program,
        "equal": not wrong,
        "wrong": wrong,
        "not_compared": differences.left_out,
        "weak": differences.weak,
        "differences": {k: {**v, "difference": _plain(v["difference"])} for k, v in found.items()},
        "compile_seconds": steps.compile_seconds,
        "planned_memory_bytes": steps.memory,
        "peak_memory_bytes": memory,
        "startup_seconds": started,
        "step_seconds": seconds,
        "step_cpu_seconds": cpu_seconds,
    }


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def measurement(folder: Folder, found: dict, device, turns: int) -> dict:
    """The attributes of a `darts_tf.benchmark.measurement.Measurement`."""
    arguments = folder.manifest["arguments"]["state"]
    weights = [a["shape"] for a in arguments if a["name"].startswith("weights/")]
    return {
        "step_seconds": found["step_seconds"],
        "startup_seconds": found["startup_seconds"],
        "peak_memory_bytes": found["peak_memory_bytes"],
        "weights": sum(int(np.prod(shape)) for shape in weights),
        "library": f"JAX {jax.__version__}, {device.device_kind}, program {found['program']}",
        "threads": os.cpu_count() or 1,
        "turns": turns,
        "step_cpu_seconds": found["step_cpu_seconds"],
    }


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="what train.benchmark --lower has written")
    parser.add_argument("--steps", type=_positive, default=10, help="steps to time")
    parser.add_argument("--warmup", type=_natural, default=2, help="steps before them")
    parser.add_argument("--device", help="such as cpu, gpu or gpu:1; default: JAX's own")
    parser.add_argument(
        "--program",
        default="auto",
        choices=["auto", "exact", "fast"],
        help="fast may multiply float32 in fewer bits; auto: exact, and where there is an "
        "accelerator fast too",
    )
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    parser.add_argument(
        "--as_measurement",
        action="store_true",
        help="the last line is what scripts/compare_on_gpu.py reads; for one program",
    )
    parser.add_argument("--takes_turns", type=_positive, default=1, help="likewise")
    return parser.parse_args()


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _positive(text: str) -> int:
    if not _natural(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def main(options) -> int:
    """Runs what the options say; returns the exit code."""
    folder, device = Folder(options.folder), find_device(options.device)
    quiet = options.json or options.as_measurement
    say = (lambda line: None) if quiet else (lambda line: print(line, flush=True))
    there = folder.manifest["programs"]
    chosen = [options.program]
    if options.program == "auto":
        chosen = ["exact", "fast"] if "fast" in there and device.platform != "cpu" else ["exact"]
    if chosen[0] not in there:
        fail(f"--program={chosen[0]}: the folder has {', '.join(there)}; it makes no difference")
    if len(chosen) > 1 and (options.as_measurement or options.takes_turns > 1):
        fail("--as_measurement and --takes_turns are for one program; give --program")
    made = ", ".join(f"{k} {v}" for k, v in folder.manifest["versions"].items())
    say(f"{folder.title()}\nmade with {made}")
    say(f"here: JAX {jax.__version__}, {device.device_kind} ({device})")
    found = [run(folder, program, device, options, say) for program in chosen]
    wrong = [one for one in found if not one["equal"]]
    if options.as_measurement:
        if wrong:
            print(f"error: {wrong[0]['wrong'][0]}", file=sys.stderr)
        else:
            print(json.dumps(measurement(folder, found[0], device, options.takes_turns)))
    else:
        here = {"jax": jax.__version__, "device": device.device_kind, "platform": device.platform}
        workload = {"workload": folder.manifest["workload"], "here": here}
        print(json.dumps(workload | {"programs": found}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(_parse()))
