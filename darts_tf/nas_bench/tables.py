"""Tables of architectures whose accuracy is known: NAS-Bench-201."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.genotypes import nas_bench_201
from darts_tf.genotypes.genotype import Genotype
from darts_tf.nas_bench import table_csv


@dataclasses.dataclass(frozen=True)
class Place:
    """An architecture's place in one column of a table.

    Attributes:
        accuracy: in percent.
        rank: 1 for the best; one more than the number of better architectures, so equal
            accuracies share a rank.
        percentile: percent of the table's architectures that are worse.
    """

    accuracy: float
    rank: int
    percentile: float


class BenchmarkTable:
    """The accuracies of all NAS-Bench-201 cells, trained before (Dong, Yang, ICLR 2020).

    Args:
        strings: the cells as the benchmark's strings, in the order of its index.
        accuracies: name of a column, such as "cifar10_test" -> percent, `[len(strings)]`.
        name: what is printed.

    Attributes:
        columns: the accuracies, as given.
        left_out: name of a column of the file that is no accuracy -> why.

    Raises:
        UserError: there is no accuracy, the lengths differ, a number is no percent, or an
            architecture is there twice.
    """

    def __init__(self, strings: Sequence[str], accuracies: dict, name: str = "table"):
        self.name = name
        self.left_out = {}
        self.strings = tuple(strings)
        self.columns = {
            key: np.asarray(values, dtype=np.float64) for key, values in accuracies.items()
        }
        self._index = {string: i for i, string in enumerate(self.strings)}
        if not self.columns or not self.strings:
            raise UserError(f"{name} holds no accuracies")
        if len(self._index) != len(self.strings):
            raise UserError(f"{name} has an architecture twice")
        for key, values in self.columns.items():
            if values.shape != (len(self.strings),) or not np.isfinite(values).all():
                raise UserError(
                    f"{name}: expected {len(self.strings)} finite numbers in the column {key!r}"
                )
            if values.min() < 0 or values.max() > 100:
                raise UserError(
                    f"{name}: the column {key!r} holds numbers from {values.min():g} to "
                    f"{values.max():g}; expected accuracies in percent, from 0 to 100"
                )
        self._sorted = {key: np.sort(values) for key, values in self.columns.items()}

    def __len__(self):
        return len(self.strings)

    @classmethod
    def load(cls, path, accuracies: Sequence[str] | None = None) -> "BenchmarkTable":
        """Reads a CSV file, or a folder of the `nats-bench` package, and logs what it holds.

        The CSV's header is `architecture`, perhaps `index`, and the names of the accuracies; which
        of its columns are accuracies, `darts_tf.nas_bench.table_csv.read` finds out by name and
        range. A folder is what the NATS-Bench authors distribute (`NATS-tss-v1_0-...-simple`); see
        `load_nats_bench`.

        Args:
            path: the file or folder.
            accuracies: the names of the columns of a CSV that are accuracies. Default: found out.

        Raises:
            UserError: it is missing or no such table; the message names the line.
        """
        path = pathlib.Path(path)
        if path.is_dir():
            return load_nats_bench(path)
        found = table_csv.read(path, accuracies)
        table = cls(found.strings, found.accuracies, str(path))
        table.left_out = found.left_out
        logging.info("%s: %s", path, found.describe())
        return table

    def index(self, genotype: Genotype) -> int:
        """The benchmark's index of an architecture.

        Raises:
            UserError: the table does not hold it.
        """
        string = nas_bench_201.to_string(genotype)
        if string not in self._index:
            raise UserError(f"{self.name} does not hold the architecture {string}")
        return self._index[string]

    def genotype(self, index: int) -> Genotype:
        """The architecture of an index."""
        return nas_bench_201.from_string(self.strings[index])

    def column(self, name: str) -> np.ndarray:
        """The accuracies of that name in percent, `[len(self)]`.

        Raises:
            UserError: the table has no such column.
        """
        if name not in self.columns:
            reason = f" ({self.left_out[name]})" if name in self.left_out else ""
            raise UserError(
                f"{self.name} has no column {name!r}{reason}; expected one of "
                + ", ".join(self.columns)
            )
        return self.columns[name]

    def accuracy(self, genotype: Genotype, column: str) -> float:
        """Percent. See `place` for the errors."""
        return float(self.column(column)[self.index(genotype)])

    def place(self, genotype: Genotype, column: str) -> Place:
        """Where an architecture stands among all.

        Raises:
            UserError: the table has no such column or does not hold the architecture.
        """
        accuracy = self.accuracy(genotype, column)
        ordered = self._sorted[column]
        worse = int(np.searchsorted(ordered, accuracy, side="left"))
        better = len(ordered) - int(np.searchsorted(ordered, accuracy, side="right"))
        return Place(accuracy, better + 1, 100 * worse / len(ordered))

    def best(self, column: str) -> tuple[int, ...]:
        """The indices of the best architectures; more than one where they are equally good."""
        values = self.column(column)
        return tuple(int(i) for i in np.flatnonzero(values == values.max()))

    def report(self, genotype: Genotype) -> dict:
        """An architecture's string, index and its place in all columns, JSON-ready."""
        return {
            "architecture": nas_bench_201.to_string(genotype),
            "index": self.index(genotype),
            "architectures": len(self),
            "columns": {key: dataclasses.asdict(self.place(genotype, key)) for key in self.columns},
        }


# The benchmark's data sets, its name of the accuracy and the name of the column here.
_NATS = (
    ("cifar10-valid", "valid-accuracy", "cifar10_val"),
    ("cifar10", "test-accuracy", "cifar10_test"),
    ("cifar100", "valid-accuracy", "cifar100_val"),
    ("cifar100", "test-accuracy", "cifar100_test"),
    ("ImageNet16-120", "valid-accuracy", "imagenet16_120_val"),
    ("ImageNet16-120", "test-accuracy", "imagenet16_120_test"),
)


def load_nats_bench(path, epochs: int = 200) -> BenchmarkTable:
    """Reads the topology search space of NATS-Bench by the authors' `nats-bench` package.

    The accuracies are means over the benchmark's seeds. It opens a small file for every one of the
    15,625 architectures; save the result with `save` and read that the next time.

    Args:
        path: the folder `NATS-tss-v1_0-...-simple`.
        epochs: 200, or 12 for the short training.

    Raises:
        UserError: the package is not installed, or the folder holds no benchmark.
    """
    try:
        import nats_bench
    except ImportError as error:
        raise UserError(
            f"{path} is a folder, and reading it needs the package nats-bench, which is not "
            "installed: pip install nats-bench. A CSV file needs nothing"
        ) from error
    try:
        api = nats_bench.create(str(path), "tss", fast_mode=True, verbose=False)
        strings = list(api)
        accuracies = {
            column: [
                api.get_more_info(i, dataset, hp=str(epochs), is_random=False)[key]
                for i in range(len(strings))
            ]
            for dataset, key, column in _NATS
        }
    except (OSError, KeyError, ValueError, AssertionError) as error:
        raise UserError(f"cannot read NATS-Bench from {path}: {error!r}") from error
    return BenchmarkTable(strings, accuracies, f"NATS-Bench, {epochs} epochs")


def save(table: BenchmarkTable, path) -> None:
    """Writes a table as the CSV that `BenchmarkTable.load` reads."""
    from darts_tf.runs import run_folder

    lines = [",".join([table_csv.INDEX, table_csv.ARCHITECTURE, *table.columns])]
    for i, string in enumerate(table.strings):
        numbers = (f"{values[i]:.4f}" for values in table.columns.values())
        lines.append(",".join([str(i), string, *numbers]))
    run_folder.write_file(path, "\n".join(lines) + "\n")
