"""Tables of architectures whose accuracy is known: NAS-Bench-201."""

import csv
import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from darts_tf import nas_bench_201
from darts_tf.errors import UserError
from darts_tf.genotypes import Genotype

# Columns of a CSV that are no accuracies.
_KEYS = ("index", "architecture")


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

    Raises:
        UserError: there is no accuracy, the lengths differ, or an architecture is there twice.
    """

    def __init__(self, strings: Sequence[str], accuracies: dict, name: str = "table"):
        self.name = name
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
        self._sorted = {key: np.sort(values) for key, values in self.columns.items()}

    def __len__(self):
        return len(self.strings)

    @classmethod
    def load(cls, path) -> "BenchmarkTable":
        """Reads a CSV file, or a folder of the `nats-bench` package.

        The CSV's header is `architecture` and the names of the accuracies; a column `index`, if
        there is one, counts the rows from 0. A folder is what the NATS-Bench authors distribute
        (`NATS-tss-v1_0-...-simple`); see `load_nats_bench`.

        Raises:
            UserError: it is missing or no such table; the message names the line.
        """
        path = pathlib.Path(path)
        if path.is_dir():
            return load_nats_bench(path)
        try:
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"cannot read the benchmark table {str(path)!r}: {error}") from error
        return _from_rows(rows, str(path))

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

    def accuracy(self, genotype: Genotype, column: str) -> float:
        """Percent. See `place` for the errors."""
        return float(self._column(column)[self.index(genotype)])

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
        values = self._column(column)
        return tuple(int(i) for i in np.flatnonzero(values == values.max()))

    def report(self, genotype: Genotype) -> dict:
        """An architecture's string, index and its place in all columns, JSON-ready."""
        return {
            "architecture": nas_bench_201.to_string(genotype),
            "index": self.index(genotype),
            "architectures": len(self),
            "columns": {key: dataclasses.asdict(self.place(genotype, key)) for key in self.columns},
        }

    def _column(self, column: str) -> np.ndarray:
        if column not in self.columns:
            raise UserError(
                f"{self.name} has no column {column!r}; expected one of {', '.join(self.columns)}"
            )
        return self.columns[column]


def _from_rows(rows: list[dict], name: str) -> BenchmarkTable:
    if not rows or "architecture" not in rows[0]:
        raise UserError(
            f"{name} is no benchmark table; expected a CSV file with a header, a column "
            "'architecture' and columns of accuracies in percent"
        )
    keys = [key for key in rows[0] if key not in _KEYS]
    accuracies = {key: [] for key in keys}
    for i, row in enumerate(rows):
        if row.get("index", str(i)) != str(i):
            raise UserError(f"{name}, line {i + 2}: index is {row['index']!r}, expected {i}")
        for key in keys:
            try:
                accuracies[key].append(float(row[key]))
            except (TypeError, ValueError):
                raise UserError(
                    f"{name}, line {i + 2}: {key} is {row[key]!r}, expected a number"
                ) from None
    return BenchmarkTable([row["architecture"] for row in rows], accuracies, name)


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
    from darts_tf import run_folder

    lines = [",".join([*_KEYS, *table.columns])]
    for i, string in enumerate(table.strings):
        numbers = (f"{values[i]:.4f}" for values in table.columns.values())
        lines.append(",".join([str(i), string, *numbers]))
    run_folder.write_file(path, "\n".join(lines) + "\n")
