"""Macro networks: stem, where cells stand, head."""

from darts_tf.common.registry import Registry
from darts_tf.macros.darts import Darts, reduction_cells
from darts_tf.macros.forecasting import ForecastingNetwork
from darts_tf.macros.language_model import LanguageNetwork
from darts_tf.macros.macro import (
    CellPlan,
    Layers,
    Macro,
    Staged,
    first_inputs,
    is_plan,
    walk,
)
from darts_tf.macros.nas_bench_201 import NAS_BENCH_201
from darts_tf.macros.search_settings import SearchSettings
from darts_tf.macros.stems import IMAGE_STEMS, WithStem, check_stem, suited_stem

__all__ = [
    "IMAGE_STEMS",
    "CellPlan",
    "ForecastingNetwork",
    "LanguageNetwork",
    "Layers",
    "Macro",
    "SearchSettings",
    "Staged",
    "WithStem",
    "check_stem",
    "first_inputs",
    "get",
    "is_plan",
    "reduction_cells",
    "register",
    "suited_stem",
    "walk",
    "with_stem",
]

_MACROS = Registry(
    "macro network",
    {
        macro.name: macro
        for own in (Darts(), NAS_BENCH_201, LanguageNetwork())
        for macro in (own, *(WithStem(own, stem) for stem in own.stems[1:]))
    },
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


def with_stem(macro: str | Macro, stem: str) -> Macro:
    """A macro network with the stem of that name; the network itself for its own stem.

    Args:
        macro: a network of images.
        stem: one of its `stems`.

    Raises:
        UserError: it cannot have that stem.
    """
    macro = get(macro)
    check_stem(macro, stem)
    if stem == macro.stem_name:
        return macro
    return _MACROS.get(f"{macro.name}_{stem}") or WithStem(macro, stem)
