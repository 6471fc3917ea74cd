"""Genotypes as the PyTorch repositories print them.

`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], ...)` is what
DARTS and most of its successors print (`cnn/genotypes.py` of quark0/darts), and
`Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9))` its recurrent cells. The nodes are
numbered as here, so that only how the edges are grouped differs:

*   "pytorch": a flat list, two pairs (operation, source) a node, one in a recurrent cell.
*   "nested": a list of pairs for every node (khanrc/pt.darts, GDAS).
*   "fair-darts": triples (operation, node, source) (xiaomi-automl/FairDARTS).
*   "autodl": a dictionary of nested tuples, perhaps with a weight behind each source
    (D-X-Y/AutoDL-Projects); of NAS-Bench-201 the nodes of its `Structure`.
"""

from absl import logging

from darts_tf.common.errors import UserError
from darts_tf.genotypes import fitting, forms
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.literals import Call
from darts_tf.spaces import NAS_BENCH_201

# The fields of the named tuples, in their order.
_FIELDS = {
    4: ("normal", "normal_concat", "reduce", "reduce_concat"),
    2: ("recurrent", "concat"),
}
# What NASLib writes as the concatenation of every cell (`convert_naslib_to_genotype`); node 6 does
# not exist, and its cells concatenate all four.
_NASLIB_CONCAT = {"normal": [2, 3, 4, 5, 6], "reduce": [4, 5, 6]}
_SINGLE = ("recurrent",)


def read(value, space=None) -> Genotype | None:
    """The genotype of a named tuple, its dictionary or its list; None for another value."""
    fields = _fields(value)
    if fields is None:
        return _read_structure(value, space)
    types = [name for name in fields if not name.endswith("concat")]
    cells, listed = {}, {}
    for name in types:
        nodes = _nodes(name, fields[name])
        key = f"{name}_concat" if f"{name}_concat" in fields else "concat"
        cells[name], listed[name] = nodes, fields.pop(key, None)
    unknown = [name for name in fields if name not in types]
    if unknown:
        raise UserError(f"Genotype(...): unknown field {unknown[0]!r:.60}; it has {_expected()}")
    if listed == _NASLIB_CONCAT and all(len(nodes) == 4 for nodes in cells.values()):
        logging.info(
            "a genotype as NASLib writes it, whose concatenations name a node 6 that no cell has: "
            "taken as nodes 2 to 5, which are what NASLib's own cells concatenate"
        )
        listed = dict.fromkeys(listed)
    found = {
        name: CellGenotype(nodes, _concat(name, nodes, listed[name]))
        for name, nodes in cells.items()
    }
    return fitting.genotype_of(found, space)


def _expected() -> str:
    return " or ".join(", ".join(fields) for fields in _FIELDS.values())


def _fields(value) -> dict | None:
    """The fields of a genotype by name; None for a value that is none."""
    if isinstance(value, Call):
        if value.name != "Genotype" or "cells" in value.named:
            return None
        names = _FIELDS.get(len(value.arguments) + len(value.named), ())
        fields = dict(zip(names, value.arguments, strict=False)) | value.named
        if len(fields) != len(value.arguments) + len(value.named):
            raise UserError(f"Genotype(...): expected the fields {_expected()}")
        # Those that others have and leave empty, such as GDAS' `connects`.
        fields = {name: field for name, field in fields.items() if field is not None}
        if not any(name in fields for name in ("normal", "reduce", "recurrent")):
            raise UserError(f"Genotype(...): no cell in it; expected the fields {_expected()}")
        return fields
    if isinstance(value, dict):
        is_one = any(isinstance(value.get(name), list | tuple) for name in ("normal", "recurrent"))
        return {name: x for name, x in value.items() if x is not None} if is_one else None
    if isinstance(value, list | tuple) and len(value) in _FIELDS:
        concats = value[1::2]
        if all(isinstance(x, list | tuple) and x for x in value) and all(
            isinstance(number, int) for concat in concats for number in concat
        ):
            return dict(zip(_FIELDS[len(value)], value, strict=True))
    return None


def _concat(name: str, nodes: list, listed):
    if listed is None:
        inputs = 1 if name in _SINGLE else 2
        return tuple(range(inputs, inputs + len(nodes)))
    if not isinstance(listed, list | tuple) or not all(type(number) is int for number in listed):
        raise UserError(f"{name}_concat: expected numbers of nodes, got {listed!r:.60}")
    return tuple(listed)


def _nodes(name: str, listed) -> list[list[Edge]]:
    """The nodes of a cell, whichever way its edges are grouped."""
    if not isinstance(listed, list | tuple) or not listed:
        raise UserError(f"{name}: expected a list of (operation, node), got {listed!r:.60}")
    if all(isinstance(node, list | tuple) and (not node or _is_group(node)) for node in listed):
        return [[_edge(name, edge) for edge in node] for node in listed]
    if all(_is_triple(edge) for edge in listed):
        return _by_node(name, listed)
    edges = [_edge(name, edge) for edge in listed]
    size = 1 if name in _SINGLE else 2
    if len(edges) % size:
        raise UserError(
            f"{name}: {len(edges)} pairs; a flat list has {size} for every node, and one with "
            "other numbers of them is nested: [[...], [...]]"
        )
    return [edges[i : i + size] for i in range(0, len(edges), size)]


def _is_group(node) -> bool:
    return isinstance(node[0], list | tuple)


def _is_triple(edge) -> bool:
    return (
        isinstance(edge, list | tuple)
        and len(edge) == 3
        and isinstance(edge[0], str)
        and all(type(number) is int for number in edge[1:])
    )


def _edge(name: str, edge) -> Edge:
    """An edge of (operation, source), perhaps with its weight behind, which decides nothing."""
    if (
        not isinstance(edge, list | tuple)
        or not 2 <= len(edge) <= 3
        or not isinstance(edge[0], str)
        or type(edge[1]) is not int
        or not all(isinstance(weight, float) for weight in edge[2:])
    ):
        raise UserError(f"{name}: expected (operation, node), got {edge!r:.60}")
    return Edge(edge[0], edge[1])


def _by_node(name: str, triples) -> list[list[Edge]]:
    numbers = [node for _, node, _ in triples]
    if min(numbers) < 2 or max(numbers) > 99 or numbers != sorted(numbers):
        raise UserError(
            f"{name}: expected (operation, node, source) by the number of the node from 2 on, got "
            f"the nodes {numbers!r:.60}"
        )
    # The nodes without edges at the end are not told from those that are not there.
    nodes = [[] for _ in range(max(4, max(numbers) - 1))]
    for operation, node, source in triples:
        nodes[node - 2].append(Edge(operation, source))
    return nodes


def _read_structure(value, space) -> Genotype | None:
    """The nodes of NAS-Bench-201's `Structure`; edges that are not there are `none`."""
    if isinstance(value, Call) and value.name == "Structure" and len(value.arguments) == 1:
        value = value.arguments[0]
    if (
        not isinstance(value, list | tuple)
        or len(value) != NAS_BENCH_201.nodes
        or not all(isinstance(node, list | tuple) and node and _is_group(node) for node in value)
    ):
        return None
    nodes = []
    for number, node in enumerate(value):
        edges = sorted((_edge("normal", edge) for edge in node), key=lambda edge: edge.source)
        missing = {*range(number + 1)} - {edge.source for edge in edges}
        edges += [Edge("none", source) for source in missing]
        nodes.append(sorted(edges, key=lambda edge: edge.source))
    return Genotype(space or NAS_BENCH_201, {"normal": CellGenotype(nodes, NAS_BENCH_201.concat)})


def _flat(genotype: Genotype) -> str:
    parts = []
    for name, cell in genotype.cells.items():
        size = 1 if name in _SINGLE else 2
        if any(len(node) != size for node in cell.nodes):
            raise UserError(
                f"the {name} cell has nodes of {sorted({len(node) for node in cell.nodes})} edges, "
                f"and a flat list has {size} for each: take the form nested"
            )
        parts.append((name, repr([tuple(edge) for edge in cell.edges])))
    return _call(genotype, parts)


def _nested(genotype: Genotype) -> str:
    return _call(
        genotype,
        [
            (name, repr([[tuple(edge) for edge in node] for node in cell.nodes]))
            for name, cell in genotype.cells.items()
        ],
    )


def _triples(genotype: Genotype) -> str:
    space, parts = genotype.search_space, []
    if space.inputs != 2 or space.nodes < 4:
        raise UserError(f"FairDARTS has no cells such as those of the space {space.name!r}")
    for name, cell in genotype.cells.items():
        if space.nodes > 4 and not cell.nodes[-1]:
            raise UserError(f"the last node of the {name} cell has no edges: take the form nested")
        triples = [
            (edge.operation, i + space.inputs, edge.source)
            for i, node in enumerate(cell.nodes)
            for edge in node
        ]
        parts.append((name, repr(triples)))
    return _call(genotype, parts)


def _call(genotype: Genotype, parts) -> str:
    fields = []
    for name, text in parts:
        concat = list(genotype[name].concat)
        key = "concat" if len(parts) == 1 else f"{name}_concat"
        is_range = concat == list(range(concat[0], concat[0] + len(concat)))
        numbers = f"range({concat[0]}, {concat[-1] + 1})" if is_range else repr(concat)
        fields += [f"{name}={text}", f"{key}={numbers}"]
    return f"Genotype({', '.join(fields)})"


def _dictionary(genotype: Genotype) -> str:
    cells = {
        name: [tuple(tuple(edge) for edge in node) for node in cell.nodes]
        for name, cell in genotype.cells.items()
    }
    if genotype.space == NAS_BENCH_201.name:
        return repr(cells["normal"])
    fields = {}
    for name, nodes in cells.items():
        key = "concat" if len(cells) == 1 else f"{name}_concat"
        fields |= {name: nodes, key: list(genotype[name].concat)}
    return repr(fields)


forms.FORMS.register("pytorch", forms.Form(_flat, read))
# One reader knows how the edges are grouped.
for _name, _write in {"nested": _nested, "fair-darts": _triples, "autodl": _dictionary}.items():
    forms.FORMS.register(_name, forms.Form(_write, lambda value, space: None))
