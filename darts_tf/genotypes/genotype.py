"""Genotypes: what a search finds, as a value and as a small JSON file."""

import json
from collections.abc import Mapping

from darts_tf import spaces
from darts_tf.common import files, reading
from darts_tf.common.errors import UserError
from darts_tf.genotypes import forms, literals
from darts_tf.genotypes.cell_genotype import CellGenotype, Edge, check_cells

SCHEMA_VERSION = 1


class Genotype:
    """An immutable architecture: one `CellGenotype` for each cell type of a space.

    Two genotypes are equal when their spaces and cells are.

    Args:
        space: the search space that the cells belong to, or its name.
        cells: a mapping from cell type (`"normal"`, `"reduce"`) to `CellGenotype`.

    Raises:
        UserError: a cell does not fit the space; the message names the place.

    Example:
        >>> genotype = genotypes.get("DARTS_V2")
        >>> genotype["normal"].nodes[0]
        (Edge(operation='sep_conv_3x3', source=0), Edge(operation='sep_conv_3x3', source=1))
    """

    __slots__ = ("_cells", "_space")

    def __init__(self, space: str | spaces.Space, cells: Mapping[str, CellGenotype]):
        found = spaces.without_restriction(spaces.get(space))
        # The name of a registered one, so that the cells go on being of what that name means.
        given = spaces.serialize(space if isinstance(space, str) else found)
        object.__setattr__(self, "_space", given if isinstance(given, str) else found)
        object.__setattr__(self, "_cells", tuple(cells.items()))
        check_cells(found, dict(self._cells))

    def __setattr__(self, name, value):
        raise AttributeError("a Genotype is immutable; build a new one")

    @property
    def space(self) -> str:
        """The name of the search space."""
        return self._space if isinstance(self._space, str) else self._space.name

    @property
    def search_space(self) -> spaces.Space:
        """The search space itself."""
        return spaces.get(self._space)

    @property
    def cells(self) -> dict[str, CellGenotype]:
        """A copy of the mapping from cell type to cell."""
        return dict(self._cells)

    def __getitem__(self, cell_type: str) -> CellGenotype:
        return dict(self._cells)[cell_type]

    def _value(self):
        return self.space, frozenset(self._cells)

    def __eq__(self, other):
        return isinstance(other, Genotype) and self._value() == other._value()

    def __hash__(self):
        return hash(self._value())

    def __repr__(self):
        return f"Genotype(space={self.space!r}, cells={dict(self._cells)!r})"

    def __reduce__(self):
        return Genotype, (self._space, dict(self._cells))

    def to_dict(self) -> dict:
        """The genotype as JSON-ready lists and dictionaries.

        Raises:
            UserError: it is of an own space with a macro network that has no name.
        """
        if not isinstance(macro := self.search_space.macro, str):
            macro.get_config()
        return {
            "schema_version": SCHEMA_VERSION,
            "space": spaces.serialize(self._space),
            "cells": {
                cell_type: {
                    "nodes": [[list(edge) for edge in node] for node in cell.nodes],
                    "concat": list(cell.concat),
                }
                for cell_type, cell in self._cells
            },
        }

    @classmethod
    def from_dict(cls, data) -> "Genotype":
        """The inverse of `to_dict`.

        Raises:
            UserError: `data` is no genotype; the message names the place.
        """
        data = _typed(data, dict, "the genotype")
        version = data.get("schema_version")
        if version != SCHEMA_VERSION:
            raise UserError(
                f"schema_version is {version!r}, but this version of darts_tf reads "
                f"{SCHEMA_VERSION}; is this a genotype written by darts_tf?"
            )
        _check_keys(data, ("schema_version", "space", "cells"), "the genotype")
        cells = _typed(data.get("cells"), dict, "cells")
        space = data.get("space")
        if not isinstance(space, dict):
            space = _typed(space, str, "space")
        return cls(space, {name: _parse_cell(name, cell) for name, cell in cells.items()})

    def to_json(self) -> str:
        """The genotype as JSON text, a node a line."""
        return _pretty_json(self.to_dict()) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Genotype":
        """The inverse of `to_json`.

        Raises:
            UserError: `text` is not JSON or no genotype.
        """
        try:
            data = reading.parse_json(text)
        except ValueError as error:
            raise UserError(f"not JSON: {error}") from error
        return cls.from_dict(data)

    def to_text(self, form: str = "pytorch") -> str:
        """The genotype as others write theirs, for those who go on elsewhere.

        `darts_tf.genotypes.from_text` reads all of them; docs/genotypes.md says what is what.

        Args:
            form: "pytorch" (`Genotype(normal=[('sep_conv_3x3', 0), ...], ...)` as DARTS prints it),
                "nested" (a list for every node), "fair-darts", "autodl", "nni", "nni-1",
                "nas-bench-201" (the string), "nas-bench-201-index", "naslib" (six numbers of
                operations), "json" (that of `to_json`) or "python" (that of `repr`).

        Raises:
            UserError: there is no such form, or it has no text for such a cell.

        Example:
            >>> genotypes.get("RNN_DARTS_V1").to_text()
            "Genotype(recurrent=[('relu', 0), ('relu', 1), ...], concat=range(1, 9))"
        """
        return forms.write(self, form)

    def save(self, path) -> None:
        """Writes the genotype as JSON; the file appears whole or not at all."""
        files.write(path, self.to_json())

    @classmethod
    def load(cls, path) -> "Genotype":
        """Reads a file that `save` wrote.

        Raises:
            UserError: the file is missing, unreadable or no genotype.
        """
        return of_file(path, cls.from_json)


def of_file(path, parse) -> Genotype:
    """The genotype that `parse` makes of the text of a file.

    Raises:
        UserError: the file is missing, unreadable or no genotype; names it.
    """
    try:
        text = reading.read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the genotype {str(path)!r}: {error}") from error
    try:
        return parse(text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _pretty_json(value, indent="") -> str:
    """JSON in which whatever fits on one line stays on it."""
    line = json.dumps(value)
    if len(indent + line) <= 80 or not isinstance(value, dict | list):
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_pretty_json(item, inner)}" for key, item in value.items()]
    else:
        items = [_pretty_json(item, inner) for item in value]
    return line[0] + "\n" + inner + f",\n{inner}".join(items) + "\n" + indent + line[-1]


def _typed(value, kind, place):
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{place}: expected {_KINDS[kind]}, got {value!r:.60}")
    return value


_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}


def _check_keys(data: dict, known: tuple[str, ...], place: str) -> None:
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise UserError(f"{place}: unknown key {unknown[0]!r}; the keys are {', '.join(known)}")


def _parse_cell(name, data) -> CellGenotype:
    data = _typed(data, dict, f"cells.{name}")
    _check_keys(data, ("nodes", "concat"), f"cells.{name}")
    nodes = []
    for i, node in enumerate(_typed(data.get("nodes"), list, f"cells.{name}.nodes")):
        edges = []
        for k, edge in enumerate(_typed(node, list, f"cells.{name}.nodes[{i}]")):
            place = f"cells.{name}.nodes[{i}][{k}]"
            if len(_typed(edge, list, place)) != 2:
                raise UserError(f"{place}: expected [operation, source], got {edge!r:.60}")
            edges.append(Edge(_typed(edge[0], str, place), _typed(edge[1], int, place)))
        nodes.append(tuple(edges))
    concat = _typed(data.get("concat"), list, f"cells.{name}.concat")
    return CellGenotype(
        tuple(nodes), tuple(_typed(state, int, f"cells.{name}.concat") for state in concat)
    )


def _read_json(value, space) -> Genotype | None:
    is_one = isinstance(value, dict) and "schema_version" in value
    return Genotype.from_dict(value) if is_one else None


def _read_python(value, space) -> Genotype | None:
    if not isinstance(value, literals.Call) or value.name != "Genotype":
        return None
    if value.arguments or set(value.named) != {"space", "cells"}:
        return None
    cells = _typed(value.named["cells"], dict, "cells")
    for name, cell in cells.items():
        if not isinstance(cell, literals.Call) or set(cell.named) != {"nodes", "concat"}:
            raise UserError(f"cells.{name}: expected CellGenotype(nodes=..., concat=...)")
    listed = {name: _listed(cell.named) for name, cell in cells.items()}
    space = space or _typed(value.named["space"], str, "space")
    return Genotype(space, {name: _parse_cell(name, cell) for name, cell in listed.items()})


def _listed(value):
    """Tuples and edges as the lists that JSON has."""
    if isinstance(value, literals.Call) and value.name == "Edge":
        return [value.named.get("operation"), value.named.get("source")]
    if isinstance(value, dict):
        return {name: _listed(x) for name, x in value.items()}
    return [_listed(x) for x in value] if isinstance(value, list | tuple) else value


forms.FORMS.register("json", forms.Form(Genotype.to_json, _read_json))
forms.FORMS.register("python", forms.Form(repr, _read_python))
