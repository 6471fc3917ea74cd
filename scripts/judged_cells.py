"""Cells of NAS-Bench-201 that are trained on CIFAR-10 and judged by a table of known accuracies."""

import dataclasses

import numpy as np

from darts_tf import datasets, genotypes
from darts_tf.nas_bench.table_searches import JUDGED
from darts_tf.nas_bench.tables import BenchmarkTable
from scripts.comparisons import need
from train import fields
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class JudgedConfig(Config):
    """Where the images and the table are."""

    data_dir: str | None = fields.text(None, "Where TensorFlow Datasets keeps cifar10.")
    benchmark_table: str | None = fields.text(None, "A CSV of known accuracies.")
    seed: int = fields.integer(0, "Of images and weights.", lower_bound=0)


def load(config) -> tuple[BenchmarkTable, datasets.ImageData]:
    """The table, and the images.

    Args:
        config: a `JudgedConfig` with `train_examples`.

    Raises:
        UserError: a flag is missing, or one of the two cannot be read.
    """
    need(config, "data_dir", "benchmark_table")
    table = BenchmarkTable.load(config.benchmark_table)
    options = {"train_examples": config.train_examples, "seed": config.seed}
    return table, datasets.load("cifar10", data_dir=config.data_dir, **options)


def known(table: BenchmarkTable, records) -> np.ndarray:
    """The test accuracies of the cells of records, each with its `genotype` as a dictionary."""
    found = [genotypes.Genotype.from_dict(record["genotype"]) for record in records]
    return table.column(JUDGED)[[table.index(genotype) for genotype in found]]
