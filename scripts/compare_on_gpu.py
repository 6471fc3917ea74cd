"""Times lowered steps beside PyTorch's of the same size on one device, by turns.

    python scripts/compare_on_gpu.py FOLDER.. --device=gpu --turns=5 --steps=10

Each folder is one that `python -m train.benchmark --lower` has written. Its step is first compared
with TensorFlow's (`scripts/run_lowered.py`); then it takes turns with a PyTorch step, plain and by
`torch.compile`, in processes that live at the same time. Of a float32 step there are both programs
on a GPU: like PyTorch by default `fast` multiplies in TensorFloat32 where the GPU has that.
`--tensorflow` adds the step that TensorFlow runs itself. A folder whose step PyTorch's peer does
not have, such as that of gdas, is timed alone.
"""

import argparse
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from darts_tf.benchmark import comparison  # noqa: E402
from darts_tf.common import files  # noqa: E402
from darts_tf.common.errors import UserError  # noqa: E402
from train.peers import commands  # noqa: E402


def configurations(folder: pathlib.Path, options, report) -> list[comparison.Configuration]:
    """What takes turns for a folder; PyTorch first, if it has the step."""
    manifest = json.loads((folder / "manifest.json").read_text())
    workload, precision = manifest["workload"], manifest["precision"]
    counts = {"steps": options.steps, "warmup": options.warmup}
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        # All processes share the memory of the device.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    found = []
    if options.peer != "none":
        try:
            found += _peers(workload | counts, precision, options, environment, report)
        except UserError as error:
            report(f"{folder}: without PyTorch: {error}")
    if options.tensorflow:
        found.append(_tensorflow(workload | counts, precision, environment))
    programs = manifest["programs"] if options.device != "cpu" else ["exact"]
    for program in programs:
        words = [f"--{name}={value}" for name, value in counts.items()]
        command = [sys.executable, str(ROOT / "scripts" / "run_lowered.py"), str(folder), *words]
        command += [f"--device={options.device}", f"--program={program}", "--as_measurement"]
        found.append(comparison.Configuration(f"lowered, {program}", command, environment))
    return found


def _peers(settings, precision, options, environment, report):
    """PyTorch's step, plain and compiled, in the layout in which the plain one is faster."""
    if settings["task"] == "language_model":
        raise UserError("the recurrent peer runs on CPUs only")
    if precision not in ("float32", "mixed_bfloat16"):
        raise UserError(f"the peer computes in float32 or bfloat16, not in {precision}")
    python = options.peer_python or sys.executable
    device = {"gpu": "cuda"}.get(options.device, options.device)
    more = [f"--device={device}", f"--precision={precision.removeprefix('mixed_')}"]
    settings = {"auxiliary": True, **settings, "threads": None}

    def make(layout):
        return commands.pytorch(settings, python, environment, layout, more)

    plain = commands.in_faster_layout(make, report)
    layout = next(w for w in plain.command if w.startswith("--layout=")).removeprefix("--layout=")
    more.append("--compile")
    compiled = commands.pytorch(settings, python, environment, layout, more)
    return [plain, comparison.Configuration("torch.compile", compiled.command, environment)]


def _tensorflow(settings, precision, environment):
    words = [f"--precision={precision}"]
    for name, value in settings.items():
        if isinstance(value, bool):
            words.append(f"--{'' if value else 'no'}{name}")
        elif value is not None:
            words.append(f"--{name}={value}")
    command = [sys.executable, "-m", "train.benchmark", *words, "--json"]
    return comparison.Configuration("TensorFlow", command, environment)


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--device", default="gpu", help="cpu, gpu, gpu:1; default: gpu")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10, help="of a turn")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--peer", default="pytorch", choices=["pytorch", "none"])
    parser.add_argument("--peer_python", help="the Python that has PyTorch; default: this one")
    parser.add_argument("--tensorflow", action="store_true", help="TensorFlow's own step too")
    parser.add_argument("--output", help="a file for all numbers, as JSON")
    return parser.parse_args()


def main(options) -> int:
    """Compares each folder; 0 if all could be run and came to TensorFlow's numbers."""
    everything, failed = {}, 0
    for folder in options.folders:
        try:
            chosen = configurations(folder, options, _report)
            results = comparison.alternate(chosen, 1, _report, options.turns)
        except (UserError, OSError) as error:
            print(f"error: {folder}: {error}", file=sys.stderr)
            failed += 1
            continue
        everything[str(folder)] = comparison.to_dict(results, chosen[0].name)
        print(f"\n{folder}\n{comparison.as_text(results, chosen[0].name)}", flush=True)
        for name, measurements in results.items():
            print(f"{name}: {measurements[0].library}")
        if options.output:
            files.write(options.output, json.dumps(everything, indent=1))
    return 1 if failed else 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(_parse()))
