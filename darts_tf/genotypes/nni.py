"""Genotypes as NNI exports them (microsoft/nni), in JSON or as Python prints the dictionary.

*   "nni": of the model space hub, since NNI 2.8: `normal/op_2_0` is an operation and
    `normal/input_2_0` the node that it comes from (`nni/nas/hub/pytorch/nasnet.py`). Nodes are
    numbered as here. What a cell concatenates is not written: all four nodes in the DARTS space.
    Of NAS-Bench-201 it is `0_1`, ..., `2_3`, the edges between its nodes 0 to 3, perhaps behind the
    label of the cell, with operations `conv_1x1` and `conv_3x3`.
*   "nni-1": of the DARTS example before (`examples/nas/.../darts/model.py`): `normal_n2_p0` is the
    operation from node 0 to node 2, by name or by number in `_OPERATIONS`, and `normal_n2_switch`
    the two sources that are taken, by name or number. What is not taken is `[]`, or left in place.
"""

import json
import re

from darts_tf.common.errors import UserError
from darts_tf.genotypes import fitting, forms, nas_bench_201
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.spaces import DARTS_CNN, NAS_BENCH_201

_SLOT = re.compile(r"(?:.*/)?(normal|reduce)/(op|input)_(\d{1,3})_(\d{1,3})")
_SWITCH = re.compile(r"(?:.*/)?(normal|reduce)_n(\d{1,3})_(?:p(\d{1,3})|switch)")
_EDGE = re.compile(r"(?:.*[/_])?([0-3])_([0-3])")

# The candidates of the DARTS example, in its order.
_OPERATIONS = {
    "maxpool": "max_pool_3x3",
    "avgpool": "avg_pool_3x3",
    "skipconnect": "skip_connect",
    "sepconv3x3": "sep_conv_3x3",
    "sepconv5x5": "sep_conv_5x5",
    "dilconv3x3": "dil_conv_3x3",
    "dilconv5x5": "dil_conv_5x5",
}
_BENCHMARK = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3"}


def read(value, space=None) -> Genotype | None:
    """The genotype of a dictionary of NNI's; None for another value."""
    if not isinstance(value, dict):
        return None
    if slots := _matching(_SLOT, value):
        return _read_hub(slots, space)
    if slots := _matching(_SWITCH, value):
        return _read_example(slots, space)
    if len(edges := _matching(_EDGE, value)) == len(NAS_BENCH_201.edges):
        return _read_benchmark(edges)
    return None


def _matching(pattern: re.Pattern, value: dict) -> dict[tuple, object]:
    """The groups of the keys that match, with their values."""
    found = {key: pattern.fullmatch(key) for key in value}
    return {match.groups(): value[key] for key, match in found.items() if match}


def _read_hub(slots, space) -> Genotype:
    cells = {}
    for cell_type in sorted({cell_type for cell_type, *_ in slots}):
        nodes = []
        while (cell_type, "op", str(node := len(nodes) + 2), "0") in slots:
            edges = []
            while (cell_type, "op", str(node), str(slot := len(edges))) in slots:
                place = f"{cell_type}/op_{node}_{slot}"
                operation = _one(slots.pop((cell_type, "op", str(node), str(slot))), place)
                place = f"{cell_type}/input_{node}_{slot}"
                source = _one(slots.pop((cell_type, "input", str(node), str(slot)), None), place)
                if not isinstance(operation, str) or type(source) is not int:
                    raise UserError(
                        f"NNI's {place}: expected an operation's name and the number of a node, "
                        f"got {operation!r:.40} and {source!r:.40}"
                    )
                edges.append(Edge(operation, source))
            nodes.append(edges)
        cells[cell_type] = nodes
    if slots:
        name, kind, node, slot = next(iter(slots))
        raise UserError(f"NNI's {name}/{kind}_{node}_{slot} belongs to no node of two edges")
    return _all_concatenated(cells, space)


def _one(value, place):
    """A choice, which NNI 3 writes as it is and earlier versions in a list."""
    if isinstance(value, list | tuple):
        if len(value) != 1:
            raise UserError(f"NNI's {place}: expected one choice, got {value!r:.60}")
        return value[0]
    return value


def _all_concatenated(cells, space) -> Genotype:
    for cell_type, nodes in cells.items():
        if len(nodes) != DARTS_CNN.nodes:
            raise UserError(
                f"NNI's {cell_type} cell has {len(nodes)} nodes; only of its DARTS space, with "
                f"{DARTS_CNN.nodes}, is it known without a field which of them are concatenated. "
                "Write the cell as Genotype(normal=..., normal_concat=..., ...)"
            )
    found = {name: CellGenotype(nodes, DARTS_CNN.concat) for name, nodes in cells.items()}
    return fitting.genotype_of(found, space)


def _read_example(slots, space) -> Genotype:
    cells = {}
    for cell_type in sorted({cell_type for cell_type, *_ in slots}):
        nodes = []
        for node in sorted({int(n) for name, n, _ in slots if name == cell_type}):
            operations = {
                int(source): _operation(value, f"{cell_type}_n{node}_p{source}")
                for (name, n, source), value in slots.items()
                if (name, n) == (cell_type, str(node)) and source is not None
            }
            switch = slots.get((cell_type, str(node), None))
            place = f"{cell_type}_n{node}"
            nodes.append(
                [_chosen(operations, source, place) for source in _sources(switch, operations)]
            )
        cells[cell_type] = nodes
    return _all_concatenated(cells, space)


def _chosen(operations: dict, source: int, place: str) -> Edge:
    if operations.get(source) is None:
        raise UserError(f"NNI's {place}_switch takes p{source}, and {place}_p{source} is empty")
    return Edge(operations[source], source)


def _operation(value, place: str) -> str | None:
    """The operation by its name, its number, in a list, or as one true value among others."""
    names = list(_OPERATIONS.values())
    if isinstance(value, list | tuple) and value and all(type(x) is bool for x in value):
        # Behind the candidates there may be one that stands for none of them.
        value = [k for k, x in enumerate(value) if x and k < len(names)]
    if value is None or value == [] or value == ():
        return None
    value = _one(value, place)
    if type(value) is int and 0 <= value < len(names):
        return names[value]
    if isinstance(value, str):
        return _OPERATIONS.get(value, value)
    raise UserError(
        f"NNI's {place}: expected one of {', '.join(_OPERATIONS)} or its number, got {value!r:.40}"
    )


def _sources(switch, operations: dict) -> list[int]:
    if switch is None:
        return sorted(source for source, name in operations.items() if name is not None)
    if isinstance(switch, list | tuple) and switch:
        if all(type(x) is bool for x in switch):
            return [k for k, x in enumerate(switch) if x]
        if all(type(x) is int for x in switch):
            return list(switch)
        named = [re.search(r"_p(\d{1,3})$", x) if isinstance(x, str) else None for x in switch]
        if all(named):
            return [int(match[1]) for match in named]
    raise UserError(f"an input switch of NNI's: expected the sources, got {switch!r:.60}")


def _read_benchmark(edges) -> Genotype:
    operations = []
    for edge in NAS_BENCH_201.edges:
        key = str(edge.source), str(edge.node + 1)
        if key not in edges:
            raise UserError(f"NNI's cell of NAS-Bench-201 has no edge {'_'.join(key)}")
        operation = str(_one(edges[key], "_".join(key)))
        operations.append(_BENCHMARK.get(operation, operation))
    return nas_bench_201.from_operations(operations)


def _write_hub(genotype: Genotype) -> str:
    if genotype.space == NAS_BENCH_201.name:
        return _write_benchmark(genotype)
    _check_concat(genotype)
    found = {}
    for cell_type, cell in genotype.cells.items():
        for node, edges in enumerate(cell.nodes, start=2):
            if not edges:
                raise UserError(f"NNI has no cells with a node without edges, as node {node} is")
            for slot, edge in enumerate(edges):
                found[f"{cell_type}/op_{node}_{slot}"] = edge.operation
                found[f"{cell_type}/input_{node}_{slot}"] = edge.source
    return json.dumps(found)


def _write_benchmark(genotype: Genotype) -> str:
    names = {ours: theirs for theirs, ours in _BENCHMARK.items()}
    operations = nas_bench_201.operations_of(genotype)
    return json.dumps(
        {
            f"{edge.source}_{edge.node + 1}": names.get(operation, operation)
            for edge, operation in zip(NAS_BENCH_201.edges, operations, strict=True)
        }
    )


def _write_example(genotype: Genotype) -> str:
    _check_concat(genotype)
    names = {ours: theirs for theirs, ours in _OPERATIONS.items()}
    found = {}
    for cell_type, cell in genotype.cells.items():
        for node, edges in enumerate(cell.nodes, start=2):
            taken = {edge.source: names.get(edge.operation) for edge in edges}
            if len(taken) < len(edges) or None in taken.values() or not edges:
                raise UserError(
                    f"NNI's DARTS example has no cell such as the {cell_type} one: the edges of "
                    f"node {node} need different sources and operations of {', '.join(names)}"
                )
            place = f"{cell_type}_n{node}"
            for source in range(node):
                found[f"{place}_p{source}"] = taken.get(source, [])
            found[f"{place}_switch"] = [f"{place}_p{edge.source}" for edge in edges]
    return json.dumps(found)


def _check_concat(genotype: Genotype) -> None:
    for cell_type, cell in genotype.cells.items():
        if cell.concat != DARTS_CNN.concat or len(cell.nodes) != DARTS_CNN.nodes:
            raise UserError(
                f"NNI writes no concatenation, and that of the {cell_type} cell is not all of "
                "four nodes, as in its DARTS space: take the form pytorch"
            )


forms.FORMS.register("nni", forms.Form(_write_hub, read))
forms.FORMS.register("nni-1", forms.Form(_write_example, lambda value, space: None))
