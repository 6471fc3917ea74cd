"""Macro networks: stem, where cells stand, head."""

from darts_tf.common.registry import Registry
from darts_tf.macros.darts import Darts, reduction_cells
from darts_tf.macros.forecasting import ForecastingNetwork
from darts_tf.macros.language_model import LanguageNetwork
from darts_tf.macros.macro import CellPlan, Layers, Macro, Staged, is_plan, walk
from darts_tf.macros.nas_bench_201 import NAS_BENCH_201
from darts_tf.macros.search_settings import SearchSettings

__all__ = [
    "CellPlan",
    "ForecastingNetwork",
    "LanguageNetwork",
    "Layers",
    "Macro",
    "SearchSettings",
    "Staged",
    "get",
    "is_plan",
    "reduction_cells",
    "register",
    "walk",
]

_MACROS = Registry(
    "macro network",
    {macro.name: macro for macro in (Darts(), NAS_BENCH_201, LanguageNetwork())},
    Macro,
)


def register(macro: Macro, *, replace: bool = False) -> Macro:
    """Makes a macro network of your own known by its name; returns it.

    Args:
        macro: the network.
        replace: whether it may take the place of another one of its name.

    Raises:
        UserError: another macro network has that name; the same definition may come again.
    """
    return _MACROS.register(macro.name, macro, replace)


def get(macro: str | Macro) -> Macro:
    """The macro network of that name, or the one that is given.

    Raises:
        UserError: no macro network has that name; it is something else.
    """
    return _MACROS.resolve(macro)
