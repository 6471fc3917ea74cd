"""Starts the programs with command lines and files that nobody means well with.

    python -m scripts.hostile_command_lines
    python -m scripts.hostile_command_lines --matching=export

Each must end with exit code 2 after one line that begins with "error: ", without a stack trace,
within --patience seconds, and without leaving or changing a file. Prints what does not; the exit
code is 1 then. The programs run in processes that are forked from one that has imported
TensorFlow: about a second each where the machine has no other work.
"""

import concurrent.futures
import pathlib
import re
import resource
import sys
import tempfile
from typing import NamedTuple

from absl import flags

from scripts.hostile_files import LONG, write_files
from tests import forks
from train import program

_MATCHING = flags.DEFINE_string("matching", "", "Only command lines that contain this text.")
_PATIENCE = flags.DEFINE_float("patience", 60.0, "How long a program may take.")
_AT_ONCE = flags.DEFINE_integer("at_once", 2, "Programs that run at the same time.", lower_bound=1)

#: More than any of these programs needs to refuse something.
_MEMORY = 10 * 2**30
_BIG = "9" * 20


class Line(NamedTuple):
    """A command line.

    Attributes:
        program: the module.
        arguments: its flags.
        says: a text that its line of explanation must contain.
    """

    program: str
    arguments: list[str]
    says: str = ""


def main() -> None:
    """Starts them all."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = write_files(folder)
        found = [
            line
            for line in lines(files, folder / "out")
            if _MATCHING.value in f"{line.program} {' '.join(line.arguments)}"
        ]
        before = _content(folder)
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE.value) as pool:
            number = range(len(found))
            results = list(pool.map(lambda i: check(found[i], folder, i, _PATIENCE.value), number))
        wrong = 0
        for line, problems in zip(found, results, strict=True):
            wrong += bool(problems)
            for problem in problems:
                print(f"{line.program} {' '.join(line.arguments)[-300:]}\n    WRONG: {problem}")
        for path in sorted(_content(folder) ^ before):
            wrong += 1
            print(f"    WRONG: {path} is left or changed")
    print(f"{len(found)} command lines, {wrong} wrong")
    sys.exit(bool(wrong))


def _content(folder) -> set:
    return {
        (str(path.relative_to(folder)), path.stat().st_size)
        for path in folder.rglob("*")
        if "logs" not in path.parts and not path.is_symlink()
    }


def check(line: Line, folder: pathlib.Path, number: int, seconds: float) -> list[str]:
    """What is wrong with the end of a program; empty if nothing is."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    out, errors = (logs / f"{number}.{kind}" for kind in ("out", "err"))
    process = forks.start(run, line.program, line.arguments, log=out, errors=errors)
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        return [f"hangs; {_tail(errors)}"]
    return judge(line, process.exitcode, errors.read_text())


def judge(line: Line, code: int, errors: str) -> list[str]:
    """What is wrong with an exit code and what a program wrote to standard error."""
    problems = []
    if code != 2:
        problems.append(f"exit code {code}")
    said = [text for text in errors.splitlines() if not re.match(r"[IWE]\d{4} ", text)]
    if len(said) != 1 or not said[0].startswith("error: ") or len(said[0]) > 1200:
        problems.append(f"says {' / '.join(said)[-400:]}")
    elif line.says not in said[0]:
        problems.append(f"says {said[0]}, expected {line.says}")
    return problems


def run(name, arguments) -> None:
    """The program, in a process of its own."""
    import importlib

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.argv = [name, *arguments]
    module = importlib.import_module(name)
    module.program.run(module.main)


def _tail(path) -> str:
    return path.read_text()[-300:]


def lines(files: dict[str, str], out: pathlib.Path) -> list[Line]:
    """All command lines.

    Args:
        files: what `write_files` returned.
        out: a folder that does not exist; nothing may be written into it.
    """
    output = f"--output_dir={out / 'run'}"
    search = Line("train.search", [output, "--method=darts-v1", "--space=s2"])
    evaluate = Line("train.evaluate", [output, "--genotype=DARTS_V2"])
    tune = Line("train.tune", [output, "--tuner=random"])
    searches = Line("train.tune", [output])
    latency = Line("train.latency", [f"--output={out / 'latency.json'}"])
    select = Line("train.select", [])
    export = Line("train.export", [output])
    serve = Line("train.serve", [])
    benchmark = Line("train.benchmark", [])
    found = []

    def add(base, *arguments, says=""):
        found.append(Line(base.program, [*base.arguments, *arguments], says))

    # Numbers.
    numbers = ("0", "-1", _BIG, "1.5", "nan", "many", "")
    counts = (
        (evaluate, ("epochs", "batch_size", "channels", "cells")),
        (search, ("epochs", "batch_size", "channels", "cells", "accumulate_steps")),
        (tune, ("epochs", "trials", "batch_size", "channels")),
        (latency, ("latency_batch",)),
        (benchmark, ("steps", "threads")),
    )
    for base, names in counts:
        for name in names:
            for number in numbers if name in ("epochs", "channels") else ("0", _BIG, "many"):
                add(base, f"--{name}={number}", says=f"--{name}=")
    for base in (evaluate, search, latency, benchmark):
        for name in ("channels", "cells"):
            add(base, f"--{name}=1000000000", says=f"--{name}=")
    for name in ("search_channels", "search_cells", "search_epochs"):
        for number in (_BIG, "0", "a,b", ","):
            add(searches, f"--{name}={number}", says=f"--{name}=")
    add(tune, "--channels=1000000000", says="--channels=")
    add(tune, "--cells=1000000000", says="--cells=")
    add(searches, "--search_channels=1000000000", says="--search_channels=")
    add(search, "--candidates=5", says="--candidates")
    for name in ("keep_checkpoints", "eigenvalue_every", "cpu_devices"):
        add(search, f"--{name}={_BIG}", says=f"--{name}=")
        add(search, f"--{name}=-1", says=f"--{name}=")
    add(search, "--cpu_devices=1000000000", says="--cpu_devices=")
    for base in (evaluate, search, tune, latency):
        add(base, f"--seed={_BIG}", says="--seed=")
        add(base, "--seed=-1", says="--seed=")
        for number in ("100000000", _BIG, "0", "-8", "8x8"):
            add(base, f"--image_size={number}")
        for number in ("0", "-5", "3", _BIG):
            add(base, f"--train_examples={number}")
    for name in ("drop_path", "label_smoothing", "learning_rate", "weight_decay"):
        for number in ("nan", "-1", "inf", "1e999", "much"):
            add(evaluate, f"--{name}={number}", says=f"--{name}=")
    for name in ("weight_learning_rate", "architecture_learning_rate", "entropy_weight"):
        for number in ("nan", "inf", "much"):
            add(search, f"--{name}={number}", says=f"--{name}=")
    for number in ("0", "1", "-1", "2", "nan", "0.00001"):
        add(search, f"--train_portion={number}")
        add(tune, f"--validation_portion={number}")
    for number in ("0", "-1", "nan"):
        add(search, "--batch_size=auto", f"--memory_limit={number}", says="--memory_limit")
    add(search, "--memory_limit=1", says="--memory_limit")
    add(search, "--accumulate_steps=7")
    for options in ("samples", "=3", "samples=-1", "samples=1e999", f"samples={_BIG}", "nosuch=1"):
        add(search, "--hypergradient=score_function", f"--gradient_options={options}")
    add(search, "--hypergradient=score_function", f"--gradient_options=samples={'[' * 9000}")
    for rates in ("nan", "0.1,0.01", "a", "0", "1,2,3", ","):
        add(tune, f"--learning_rate={rates}", says="--learning_rate=")
    for cells in ("5,11", "a,b,c", "-1,2,3", f"5,11,{_BIG}", "5,11,1000000000"):
        add(search, "--method=p-darts", f"--stage_cells={cells}", says="--stage_cells=")
    for number in ("0", _BIG, "1000000000"):
        add(export, f"--run_dir={files['export_no_model']}", f"--model_version={number}")
    # Names.
    for base, name in (
        *((search, "method"), (search, "space"), (search, "hypergradient"), (search, "cost")),
        *((search, "precision"), (search, "distribute"), (search, "edge_order")),
        *((evaluate, "stem"), (evaluate, "genotype"), (tune, "tuner"), (tune, "space")),
        *((searches, "method"), (latency, "space"), (benchmark, "method"), (benchmark, "peer")),
        *((select, "selection"), (evaluate, "auxiliary"), (evaluate, "flip")),
    ):
        for value in ("nosuch", LONG):
            add(base, f"--{name}={value}")
    # Data.
    for name in (
        *("fifo", "fifo.npz", "folder", "folder.npz", "socket.npz", "loop.npz", "empty"),
        *("empty.npz", "cut.npz", "flipped.npz", "text.npz", "huge.npz", "objects.npz"),
        *("newline.npz", "same_names.npz", "no_name.npz", "negative.npz"),
        *("large_label.npz", "nan.npz", "floats.npz", "no_images.npz", "one_side.npz"),
        *("newline_folder", "damaged_folder", "odd_folder"),
    ):
        add(evaluate, "--batch_size=2", f"--dataset={files[name]}")
    for name in ("", LONG, "/dev/null", "/dev/zero", "/dev/zero.npz", "a\nb", "../..", "~nobody"):
        add(search, f"--dataset={name}")
    for place in (files["fifo"], files["own.txt"], LONG, "/dev/null"):
        add(search, "--dataset=cifar10", f"--data_dir={place}")
    # Genotypes.
    for name in (
        *("fifo", "fifo.json", "folder.json", "empty.json", "nested.json", "digits.json"),
        *("bom.json", "null.json", "large_source.json", "negative_source.json"),
        *("boolean_source.json", "many_nodes.json", "long_operation.json", "long_space.json"),
        *("no_concat.json", "large_concat.json", "own.txt"),
    ):
        add(evaluate, f"--genotype={files[name]}")
    for text in (
        *("random:-1", "random:nosuch:1", f"random:{'9' * 5000}", "|", "|" * 5000, "|none~0|"),
        *("|skip_connect~9|+|none~0|none~1|+|none~0|none~1|none~2|", "{}", "/", "."),
    ):
        add(evaluate, f"--genotype={text}")
    add(benchmark, f"--network={files['fifo.json']}")
    add(benchmark, f"--network={LONG}")
    # Tables.
    table = ["--space=nas_bench_201", f"--output_dir={out / 'run'}", "--method=darts-v1"]
    for name in ("fifo.csv", "table.csv", "long.csv", "header.csv", "bytes.csv", "folder", "empty"):
        found.append(Line("train.search", [*table, f"--benchmark_table={files[name]}"]))
    add(search, f"--benchmark_table={files['table.csv']}", says="--benchmark_table")
    add(search, "--cost=latency", says="--latency_table")
    for name in (
        *("fifo.json", "folder", "empty.json", "nested.json", "latency.json"),
        *("latency_list.json", "latency_text.json", "null.json"),
    ):
        add(search, "--cost=latency", f"--latency_table={files[name]}")
    for weight in ("nan", "-1", "inf", "much"):
        add(search, "--cost=parameters", f"--cost_weight={weight}", says="--cost_weight")
    add(search, "--cost_weight=1", says="--cost")
    # Folders and flags.
    for place in (
        *("", files["own.txt"], f"{files['own.txt']}/inside", files["own"], "/proc/run"),
        *("/dev/null", LONG, files["fifo"], files["loop.npz"]),
    ):
        for base in (search, evaluate, tune, export):
            run_dir = [f"--run_dir={files['export_no_model']}"] if base is export else []
            add(base, *run_dir, f"--output_dir={place}")
    for place in ("", files["folder"], f"{files['own.txt']}/x", "/proc/x", LONG):
        add(latency, f"--output={place}")
    for name in ("fifo.flags", "bytes.flags", "folder"):
        add(search, f"--flagfile={files[name]}")
    add(search, "--flagfile=/nowhere", says="/nowhere")
    for base in (search, evaluate, tune, latency, select, export, serve, benchmark):
        add(base, "--nosuch", says="nosuch")
        add(base, "digits", says="unexpected argument")
    for method in ("random", "te-nas", "darts-v2"):
        add(search, f"--method={method}", "--cost_weight=1", "--candidate_epochs=2")
    add(search, "--distribute=workers", says="TF_CONFIG")
    add(search, "--cpu_devices=3", "--batch_size=64", says="--batch_size=64")
    # Runs.
    for name in (
        *("run_list", "run_damaged", "run_nested", "run_bytes", "run_empty", "run_half"),
        *("run_method", "run_unknown", "run_evaluate", "run_random", "run_epochs", "run_fifo"),
        *("run_nothing", "folder", "own.txt", "fifo"),
    ):
        add(select, f"--run_dir={files[name]}")
    for value in ("", "magnitude,magnitude", ",", "magnitude,nosuch"):
        add(select, f"--run_dir={files['run_half']}", f"--selection={value}")
    for name in files:
        if name.startswith("export_"):
            add(export, f"--run_dir={files[name]}")
    for place in ("", "/nowhere", files["own.txt"], files["fifo"], LONG):
        add(export, f"--run_dir={place}")
        add(serve, f"--model_dir={place}", "--port=0")
    for name in ("served", "served_empty"):
        add(serve, f"--model_dir={files[name]}", "--port=0")
    for name, value in (
        *(("port", "-1"), ("port", "99999"), ("port", "http"), ("name", "a/b"), ("name", "")),
        *(("host", "no host"), ("host", LONG), ("max_body_mb", "0"), ("max_body_mb", _BIG)),
    ):
        add(serve, f"--model_dir={files['served']}", f"--{name}={value}")
    for arguments in (
        *(["--compare=--nosuch"], ["--compare="], ['--compare="--channels=8'], ["--runs=0"]),
        *(["--goals"], ["--grid"], ["--grid", "--gradients"], ["--turns=2"]),
        *(["--peer=pytorch", "--peer_python=/nowhere"], ["--image_size=3"]),
        ["--image_size=1000000000"],
    ):
        add(benchmark, *arguments)
    found.append(Line("train.verify", ["--only=nosuch"]))
    return found


if __name__ == "__main__":
    program.run(main)
