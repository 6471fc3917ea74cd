"""Reports and files about an architecture that a search found."""

import dataclasses
import math

from darts_tf import plots, spaces
from darts_tf.common.errors import UserError
from darts_tf.genotypes import decidedness
from darts_tf.nas_bench.tables import BenchmarkTable
from darts_tf.spaces import node_names
from train import fields, reports
from train.config import Config


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableConfig(Config):
    """The known accuracies of a benchmark's architectures."""

    benchmark_table: str | None = fields.text(
        None,
        "With --space=nas_bench_201: a CSV of known accuracies, or a folder of NATS-Bench; the "
        "place of the architecture found is printed at the end. Columns of the CSV: architecture "
        "(the benchmark's string), perhaps index (from 0, the rows in any order), and accuracies: "
        "those named accuracy, acc, top1, val, test, train or by a data set, in percent or as "
        "shares of 1; all others are left out, which a line says. See docs/spaces.md.",
    )


def load_table(config: TableConfig, space: str):
    """The table of --benchmark_table, None without.

    Raises:
        UserError: it cannot be read, or the space has no table.
    """
    if config.benchmark_table is None:
        return None
    if space != spaces.NAS_BENCH_201.name:
        raise UserError(
            f"--benchmark_table is for --space={spaces.NAS_BENCH_201.name}, got --space={space}"
        )
    return BenchmarkTable.load(config.benchmark_table)


def report(genotype, data, channels: int, cells: int, table=None) -> dict:
    """Prints an architecture, what its network costs and its place in a table.

    Args:
        genotype: the architecture.
        data: of the task.
        channels, cells: of the network whose cost is reported.
        table: a `BenchmarkTable`, or None.

    Returns:
        The same, JSON-ready.
    """
    inputs, kind = genotype.search_space.inputs, genotype.search_space.kind
    for cell_type, cell in genotype.cells.items():
        print(f"{cell_type} cell: {node_names.cell_text(cell.nodes, cell.concat, inputs, kind)}")
    print(f"where {node_names.legend(inputs, kind)}")
    costs, words = data.network_costs(genotype, channels, cells)
    print(f"its network with {words}")
    result = {"network": {"channels": channels, "cells": cells, **costs}}
    if table is not None:
        result["benchmark"] = place = table.report(genotype)
        print(f"benchmark: {place['architecture']} is #{place['index']}")
        for column, at in place["columns"].items():
            print(
                f"  {column}: {at['accuracy']:.2f} %, rank {at['rank']:,} of "
                f"{place['architectures']:,}, better than {at['percentile']:.2f} % of them"
            )
    return result


def decided(leads) -> dict:
    """How clearly operation weights decided a cell, JSON-ready; nothing where none did.

    Args:
        leads: see `darts_tf.genotypes.decidedness`; None for a cell that comes from something else.
    """
    if leads is None:
        return {}
    return {
        "close_to_a_draw": decidedness.is_draw(leads),
        "edges_close_to_a_draw": decidedness.close(leads),
    }


def write(genotype, folder, result: dict, leads=None) -> None:
    """Writes the genotype, its pictures, the report, and result.json: the search is finished.

    Numbers of the result that are not finite are null there, and named in a line.
    """
    plots.plot_genotype(genotype, folder.path, leads=leads)
    genotype.save(folder.file("genotype.json"))
    for name, value in result.items():
        if isinstance(value, float) and not math.isfinite(value):
            print(f"{name} is not a finite number; in result.json it is null")
    folder.write_json("result.json", result)
    reports.write(folder)
