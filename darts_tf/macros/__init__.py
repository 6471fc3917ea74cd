"""Macro networks: stem, where cells stand, head."""

from darts_tf.errors import UserError
from darts_tf.lookup import lookup
from darts_tf.macros.darts import Darts, reduction_cells
from darts_tf.macros.macro import CellPlan, Macro, Staged
from darts_tf.macros.nas_bench_201 import NAS_BENCH_201

__all__ = ["CellPlan", "Macro", "Staged", "get", "reduction_cells", "register"]

_MACROS = {macro.name: macro for macro in (Darts(), NAS_BENCH_201)}


def register(macro: Macro) -> Macro:
    """Makes a macro network of your own known by its name; returns it.

    Raises:
        UserError: another macro network has that name.
    """
    if _MACROS.setdefault(macro.name, macro) is not macro:
        raise UserError(f"there is another macro network named {macro.name!r}; choose another name")
    return macro


def get(name: str) -> Macro:
    """The macro network of that name.

    Raises:
        UserError: no macro network has that name.
    """
    return lookup("macro network", _MACROS, name)
