"""Command lines that nobody means well with, for scripts.hostile_command_lines."""

import pathlib
from typing import NamedTuple

from scripts.hostile_files import LONG

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


def lines(files: dict[str, str], out: pathlib.Path) -> list[Line]:
    """All command lines.

    Args:
        files: what `hostile_files.write_files` returned.
        out: a folder that does not exist; nothing may be written into it.
    """
    return _Lines(files, out).found


class _Lines:
    """Adds to `found` what can be wrong, one kind after the other."""

    def __init__(self, files: dict[str, str], out: pathlib.Path):
        self.files, self.out, self.found = files, out, []
        output = f"--output_dir={out / 'run'}"
        self.search = Line("train.search", [output, "--method=darts-v1", "--space=s2"])
        self.evaluate = Line("train.evaluate", [output, "--genotype=DARTS_V2"])
        self.tune = Line("train.tune", [output, "--tuner=random"])
        self.searches = Line("train.tune", [output])
        self.latency = Line("train.latency", [f"--output={self.out / 'latency.json'}"])
        self.select = Line("train.select", [])
        self.export = Line("train.export", [output])
        self.serve = Line("train.serve", [])
        self.benchmark = Line("train.benchmark", [])
        self._numbers()
        self._names()
        self._data()
        self._genotypes()
        self._tables()
        self._folders()
        self._runs()

    def add(self, base: Line, *arguments: str, says: str = "") -> None:
        """Adds a base with more arguments."""
        self.found.append(Line(base.program, [*base.arguments, *arguments], says))

    def _numbers(self):
        """Counts, rates and shares that are none, or none that can be."""
        numbers = ("0", "-1", _BIG, "1.5", "nan", "many", "")
        counts = (
            (self.evaluate, ("epochs", "batch_size", "channels", "cells")),
            (self.search, ("epochs", "batch_size", "channels", "cells", "accumulate_steps")),
            (self.tune, ("epochs", "trials", "batch_size", "channels")),
            (self.latency, ("latency_batch",)),
            (self.benchmark, ("steps", "threads")),
        )
        for base, names in counts:
            for name in names:
                for number in numbers if name in ("epochs", "channels") else ("0", _BIG, "many"):
                    self.add(base, f"--{name}={number}", says=f"--{name}=")
        for base in (self.evaluate, self.search, self.latency, self.benchmark):
            for name in ("channels", "cells"):
                self.add(base, f"--{name}=1000000000", says=f"--{name}=")
        for name in ("search_channels", "search_cells", "search_epochs"):
            for number in (_BIG, "0", "a,b", ","):
                self.add(self.searches, f"--{name}={number}", says=f"--{name}=")
        self.add(self.tune, "--channels=1000000000", says="--channels=")
        self.add(self.tune, "--cells=1000000000", says="--cells=")
        self.add(self.searches, "--search_channels=1000000000", says="--search_channels=")
        self.add(self.search, "--candidates=5", says="--candidates")
        for name in ("keep_checkpoints", "eigenvalue_every", "cpu_devices"):
            self.add(self.search, f"--{name}={_BIG}", says=f"--{name}=")
            self.add(self.search, f"--{name}=-1", says=f"--{name}=")
        self.add(self.search, "--cpu_devices=1000000000", says="--cpu_devices=")
        for base in (self.evaluate, self.search, self.tune, self.latency):
            self.add(base, f"--seed={_BIG}", says="--seed=")
            self.add(base, "--seed=-1", says="--seed=")
            for number in ("100000000", _BIG, "0", "-8", "8x8"):
                self.add(base, f"--image_size={number}")
            for number in ("0", "-5", "3", _BIG):
                self.add(base, f"--train_examples={number}")
        for name in ("drop_path", "label_smoothing", "learning_rate", "weight_decay"):
            for number in ("nan", "-1", "inf", "1e999", "much"):
                self.add(self.evaluate, f"--{name}={number}", says=f"--{name}=")
        for name in ("weight_learning_rate", "architecture_learning_rate", "entropy_weight"):
            for number in ("nan", "inf", "much"):
                self.add(self.search, f"--{name}={number}", says=f"--{name}=")
        for number in ("0", "1", "-1", "2", "nan", "0.00001"):
            self.add(self.search, f"--train_portion={number}")
            self.add(self.tune, f"--validation_portion={number}")
        for number in ("0", "-1", "nan"):
            self.add(
                self.search, "--batch_size=auto", f"--memory_limit={number}", says="--memory_limit"
            )
        self.add(self.search, "--memory_limit=1", says="--memory_limit")
        self.add(self.search, "--accumulate_steps=7")
        for options in (
            "samples",
            "=3",
            "samples=-1",
            "samples=1e999",
            f"samples={_BIG}",
            "nosuch=1",
        ):
            self.add(self.search, "--hypergradient=score_function", f"--gradient_options={options}")
        self.add(
            self.search,
            "--hypergradient=score_function",
            f"--gradient_options=samples={'[' * 9000}",
        )
        for rates in ("nan", "0.1,0.01", "a", "0", "1,2,3", ","):
            self.add(self.tune, f"--learning_rate={rates}", says="--learning_rate=")
        for cells in ("5,11", "a,b,c", "-1,2,3", f"5,11,{_BIG}", "5,11,1000000000"):
            self.add(
                self.search, "--method=p-darts", f"--stage_cells={cells}", says="--stage_cells="
            )
        for number in ("0", _BIG, "1000000000"):
            self.add(
                self.export,
                f"--run_dir={self.files['export_no_model']}",
                f"--model_version={number}",
            )

    def _names(self):
        """Names of parts that there are not."""
        for base, name in (
            *(
                (self.search, "method"),
                (self.search, "space"),
                (self.search, "hypergradient"),
                (self.search, "cost"),
            ),
            *((self.search, "precision"), (self.search, "distribute"), (self.search, "edge_order")),
            *(
                (self.evaluate, "stem"),
                (self.evaluate, "genotype"),
                (self.tune, "tuner"),
                (self.tune, "space"),
            ),
            *(
                (self.searches, "method"),
                (self.latency, "space"),
                (self.benchmark, "method"),
                (self.benchmark, "peer"),
            ),
            *((self.select, "selection"), (self.evaluate, "auxiliary"), (self.evaluate, "flip")),
        ):
            for value in ("nosuch", LONG):
                self.add(base, f"--{name}={value}")

    def _data(self):
        """Data sets that hold no images, or none that can be read."""
        for name in (
            *("fifo", "fifo.npz", "folder", "folder.npz", "socket.npz", "loop.npz", "empty"),
            *("empty.npz", "cut.npz", "flipped.npz", "text.npz", "huge.npz", "objects.npz"),
            *("newline.npz", "same_names.npz", "no_name.npz", "negative.npz"),
            *("large_label.npz", "nan.npz", "floats.npz", "no_images.npz", "one_side.npz"),
            *("newline_folder", "damaged_folder", "odd_folder"),
        ):
            self.add(self.evaluate, "--batch_size=2", f"--dataset={self.files[name]}")
        for name in (
            *("", LONG, "/dev/null", "/dev/zero", "/dev/zero.npz", "a\nb", "../.."),
            *("~nobody",),
        ):
            self.add(self.search, f"--dataset={name}")
        for place in (self.files["fifo"], self.files["own.txt"], LONG, "/dev/null"):
            self.add(self.search, "--dataset=cifar10", f"--data_dir={place}")

    def _genotypes(self):
        """Files and texts that describe no cell."""
        for name in (
            *("fifo", "fifo.json", "folder.json", "empty.json", "nested.json", "digits.json"),
            *("bom.json", "null.json", "large_source.json", "negative_source.json"),
            *("boolean_source.json", "many_nodes.json", "long_operation.json", "long_space.json"),
            *("no_concat.json", "large_concat.json", "own.txt"),
            # Alphas.
            *("fifo.npz", "folder.npz", "socket.npz", "loop.npz", "empty.npz", "cut.npz"),
            *("text.npz", "huge.npz", "objects.npz", "nan.npz", "good.npz"),
        ):
            self.add(self.evaluate, f"--genotype={self.files[name]}")
        for text in (
            *("random:-1", "random:nosuch:1", f"random:{'9' * 5000}", "|", "|" * 5000, "|none~0|"),
            *("|skip_connect~9|+|none~0|none~1|+|none~0|none~1|none~2|", "{}", "/", "."),
            *("Genotype(normal=__import__('os').system('id'))", "Genotype(" * 5000, "(" * 5000),
            *("Genotype(normal=[('none', 0)], normal_concat=range(0, 999999999))", "[" * 5000),
            *("Genotype(normal=[('none', nan)])", "(0, 0, 0, 0, 0, 5)", "nas_bench_201:99999"),
            *('{"normal/op_2_0": "none"}', "9" * 5000),
        ):
            self.add(self.evaluate, f"--genotype={text}")
        self.add(self.benchmark, f"--network={self.files['fifo.json']}")
        self.add(self.benchmark, f"--network={LONG}")

    def _tables(self):
        """Tables of accuracies, latencies and costs."""
        output = f"--output_dir={self.out / 'run'}"
        table = Line("train.search", ["--space=nas_bench_201", output, "--method=darts-v1"])
        for name in (
            *("fifo.csv", "table.csv", "long.csv", "header.csv", "bytes.csv", "folder", "empty"),
        ):
            self.add(table, f"--benchmark_table={self.files[name]}")
        known = f"--benchmark_table={self.files['table.csv']}"
        self.add(self.search, known, says="--benchmark_table")
        self.add(self.search, "--cost=latency", says="--latency_table")
        for name in (
            *("fifo.json", "folder", "empty.json", "nested.json", "latency.json"),
            *("latency_list.json", "latency_text.json", "null.json"),
        ):
            self.add(self.search, "--cost=latency", f"--latency_table={self.files[name]}")
        for weight in ("nan", "-1", "inf", "much"):
            self.add(
                self.search, "--cost=parameters", f"--cost_weight={weight}", says="--cost_weight"
            )
        self.add(self.search, "--cost_weight=1", says="--cost")

    def _folders(self):
        """Places that cannot be written to, and flags that there are not."""
        for place in (
            *(
                "",
                self.files["own.txt"],
                f"{self.files['own.txt']}/inside",
                self.files["own"],
                "/proc/run",
            ),
            *("/dev/null", LONG, self.files["fifo"], self.files["loop.npz"]),
        ):
            for base in (self.search, self.evaluate, self.tune, self.export):
                run_dir = (
                    [f"--run_dir={self.files['export_no_model']}"] if base is self.export else []
                )
                self.add(base, *run_dir, f"--output_dir={place}")
        for place in ("", self.files["folder"], f"{self.files['own.txt']}/x", "/proc/x", LONG):
            self.add(self.latency, f"--output={place}")
        for name in ("fifo.flags", "bytes.flags", "folder"):
            self.add(self.search, f"--flagfile={self.files[name]}")
        self.add(self.search, "--flagfile=/nowhere", says="/nowhere")
        for base in (
            *(self.search, self.evaluate, self.tune, self.latency, self.select),
            *(self.export, self.serve, self.benchmark),
        ):
            self.add(base, "--nosuch", says="nosuch")
            self.add(base, "digits", says="unexpected argument")
        for method in ("random", "te-nas", "darts-v2"):
            self.add(self.search, f"--method={method}", "--cost_weight=1", "--candidate_epochs=2")
        self.add(self.search, "--distribute=workers", says="TF_CONFIG")
        self.add(self.search, "--cpu_devices=3", "--batch_size=64", says="--batch_size=64")

    def _runs(self):
        """Folders of runs and of exports that are damaged, or none."""
        for name in (
            *("run_list", "run_damaged", "run_nested", "run_bytes", "run_empty", "run_half"),
            *("run_method", "run_unknown", "run_evaluate", "run_random", "run_epochs", "run_fifo"),
            *("run_nothing", "folder", "own.txt", "fifo"),
        ):
            self.add(self.select, f"--run_dir={self.files[name]}")
            self.add(self.evaluate, f"--run_dir={self.files[name]}", "--genotype=nosuch")
        for value in ("", "magnitude,magnitude", ",", "magnitude,nosuch"):
            self.add(self.select, f"--run_dir={self.files['run_half']}", f"--selection={value}")
        for name in self.files:
            if name.startswith("export_"):
                self.add(self.export, f"--run_dir={self.files[name]}")
        for place in ("", "/nowhere", self.files["own.txt"], self.files["fifo"], LONG):
            self.add(self.export, f"--run_dir={place}")
            self.add(self.serve, f"--model_dir={place}", "--port=0")
        for name in ("served", "served_empty"):
            self.add(self.serve, f"--model_dir={self.files[name]}", "--port=0")
        for name, value in (
            *(("port", "-1"), ("port", "99999"), ("port", "http"), ("name", "a/b"), ("name", "")),
            *(("host", "no host"), ("host", LONG), ("max_body_mb", "0"), ("max_body_mb", _BIG)),
        ):
            self.add(self.serve, f"--model_dir={self.files['served']}", f"--{name}={value}")
        for arguments in (
            *(["--compare=--nosuch"], ["--compare="], ['--compare="--channels=8'], ["--runs=0"]),
            *(["--goals"], ["--grid"], ["--grid", "--gradients"], ["--turns=2"]),
            *(["--peer=pytorch", "--peer_python=/nowhere"], ["--image_size=3"]),
            ["--image_size=1000000000"],
        ):
            self.add(self.benchmark, *arguments)
        self.found.append(Line("train.verify", ["--only=nosuch"]))
