"""Genotypes of alphas that another program has saved, `.npy` or `.npz`.

The shape says which space they are of. Rows and columns are those of the reference: the edges node
by node, each from the lower source to the higher, and the operations in the order of its
PRIMITIVES, which is that of `Space.operations`, with `none` or without.
"""

import pathlib
import re
import zipfile
from collections.abc import Mapping

import numpy as np
from absl import logging

from darts_tf import spaces
from darts_tf.common import errors, reading
from darts_tf.common.errors import UserError
from darts_tf.genotypes.genotype import Genotype
from darts_tf.genotypes.strongest import strongest

SUFFIXES = (".npy", ".npz")
_MOST_BYTES = 64 * 2**20
# Of the sum of a row of float16 numbers.
_ROUNDING = 1e-2


def load(path, space=None) -> Genotype:
    """The genotype of a file of alphas; see `from_alphas`.

    Args:
        path: an `.npy` or `.npz` file; nothing that is pickled in it is read.
        space: see `from_alphas`.

    Raises:
        UserError: it cannot be read, or its arrays are no alphas.
    """
    path = pathlib.Path(path)
    try:
        reading.check_regular(path)
        if _size(path) > _MOST_BYTES:
            raise UserError(f"it has more than {_MOST_BYTES >> 20} MiB, which no alphas have")
        loaded = np.load(path, allow_pickle=False)
        arrays = {name: loaded[name] for name in loaded.files} if path.suffix == ".npz" else loaded
    except Exception as error:  # NumPy and zipfile raise many kinds here.
        raise UserError(
            f"cannot read the genotype {str(path)!r}: {errors.reason(error)}"
        ) from error
    try:
        return from_alphas(arrays, space)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _size(path: pathlib.Path) -> int:
    """The bytes of a file, or of what is packed in it."""
    if path.suffix != ".npz":
        return path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def from_alphas(alphas, space=None) -> Genotype:
    """The genotype that DARTS derives from alphas (Liu, Simonyan, Yang, ICLR 2019, section 2.4).

    The softmax of each row, then for every node the edges whose strongest operation other than
    `none` weighs most. Rows that are not negative and sum to 1 are taken for the softmax itself.

    Args:
        alphas: cell type -> `[edges, operations]`, or `[epochs, edges, operations]`, of which the
            last counts; keys such as `alphas_normal` will do. Or one array, for a space of one cell
            type, or `[cell types, edges, operations]`, the normal cell first. Without the column
            of `none` the others are in the same order. PC-DARTS' `betas_normal`, `[edges]`, are the
            weights of edges before a node's softmax, and multiply the operations'.
        space: the space, or its name. Default: the one whose numbers of edges and operations these
            are: [14, 8] or [14, 7] `darts_cnn`, [6, 5] `nas_bench_201` in the order of its strings,
            [36, 5] or [36, 4] `darts_rnn`.

    Raises:
        UserError: the arrays have other shapes or numbers that are none, or several spaces are
            as large.
    """
    rows, betas = _by_name(alphas)
    shapes = {values.shape[-2:] for values in rows.values()}
    if len(shapes) != 1:
        raise UserError(f"alphas of different shapes: {_shapes(rows)}")
    space, columns = _space(shapes.pop(), len(rows), space)
    rows, betas = (_by_cell_type(space, arrays) for arrays in (rows, betas))
    missing = [name for name in space.cell_types if name not in rows]
    if missing:
        raise UserError(f"the alphas of the {missing[0]} cell are missing; got {_shapes(rows)}")
    weights = {
        name: _weights(space, name, values, columns) * _edge_weights(space, betas.get(name))
        for name, values in rows.items()
    }
    logging.info(
        "alphas of the space %s; their columns are %s",
        space.name,
        ", ".join(space.operations[k] for k in columns),
    )
    return strongest(space, weights)


def _by_name(alphas) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Arrays of alphas and of betas, by the names they were given."""
    if not isinstance(alphas, Mapping):
        values = np.asarray(alphas)
        parts = values if values.ndim == 3 else [values]
        alphas = {f"arr_{number}": part for number, part in enumerate(parts)}
    arrays = {str(name): np.asarray(values) for name, values in alphas.items()}
    for name, values in arrays.items():
        if values.dtype.kind not in "fiu" or not values.size or not np.isfinite(values).all():
            raise UserError(f"the array {name!r:.60} holds no alphas: expected finite numbers")
    betas = {name: values for name, values in arrays.items() if "beta" in name.lower()}
    rows = {name: values for name, values in arrays.items() if name not in betas}
    if not rows or any(values.ndim not in (2, 3) for values in rows.values()):
        raise UserError(f"expected alphas [edges, operations], got {_shapes(rows)}")
    return rows, betas


def _shapes(arrays) -> str:
    found = [f"{name} {list(values.shape)}" for name, values in arrays.items()]
    return ", ".join(found[:4]) + (", ..." if len(found) > 4 else "") or "no array"


def _space(shape, count: int, given) -> tuple[spaces.Space, list[int]]:
    """The space of alphas of that shape, and the columns that there are of its operations."""
    known = [spaces.get(given)] if given else [spaces.get(x) for x in spaces.names(True, None)]
    fitting = []
    for space in known:
        every = list(range(len(space.operations)))
        without = [k for k in every if space.operations[k] != "none"]
        for columns in (every,) if space.selects_none or without == every else (every, without):
            if shape == (len(space.edges), len(columns)) and count == len(space.cell_types):
                fitting.append((space, columns))
    if not fitting:
        sizes = ", ".join(
            f"{s.name} {len(s.cell_types)} of [{len(s.edges)}, {len(s.operations)}]" for s in known
        )
        raise UserError(f"{count} of the shape {list(shape)} are no alphas of a space: {sizes}")
    if len(fitting) > 1:
        raise UserError(
            f"alphas of the shape {list(shape)} may be of the spaces "
            f"{' and '.join(dict.fromkeys(space.name for space, _ in fitting))}: give the space, "
            "genotypes.from_alphas(arrays, space=...), and save what it returns"
        )
    return fitting[0]


def _by_cell_type(space: spaces.Space, arrays: dict) -> dict[str, np.ndarray]:
    """Arrays by cell type, which their names hold; else in the order in which they came."""
    found = {}
    for name, values in arrays.items():
        types = [cell_type for cell_type in space.cell_types if cell_type in name.lower()]
        number = re.search(r"\d+$", name)
        if not types and len(space.cell_types) == 1:
            types = list(space.cell_types)
        elif not types and number and int(number[0]) < len(space.cell_types):
            types = [space.cell_types[int(number[0])]]
        if len(types) != 1 or types[0] in found:
            raise UserError(
                f"which cell is {name!r:.60} of? Expected names with one of "
                f"{', '.join(space.cell_types)}, such as alphas_{space.cell_types[0]}"
            )
        found[types[0]] = values
    return found


def _weights(space, cell_type, values, columns) -> np.ndarray:
    """The operation weights `[edges, operations]` of the alphas of a cell."""
    values = (values[-1] if values.ndim == 3 else values).astype(np.float64)
    allowed = space.mask(cell_type)[:, columns]
    if (values < 0).any() or (np.abs(values.sum(1) - 1) > _ROUNDING).any():
        values = np.where(allowed, values, -np.inf)
        values = np.exp(values - values.max(1, keepdims=True))
        values /= values.sum(1, keepdims=True)
    weights = np.zeros([len(space.edges), len(space.operations)])
    weights[:, columns] = values
    return weights


def _edge_weights(space, betas) -> np.ndarray:
    """The weight of every edge, `[edges, 1]`: of a node the softmax of its betas."""
    if betas is None:
        return np.ones([len(space.edges), 1])
    if betas.shape != (len(space.edges),):
        raise UserError(f"betas: expected [{len(space.edges)} edges], got {list(betas.shape)}")
    found = np.empty([len(space.edges), 1])
    for node in range(space.nodes):
        edges = list(space.edges_into(node))
        exponentials = np.exp(betas[edges].astype(np.float64) - betas[edges].max())
        found[edges, 0] = exponentials / exponentials.sum()
    return found
