"""The forms in which genotypes are written down, here and in other libraries, by name.

Each file of a library, such as `darts_tf.genotypes.nni`, registers its own.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from darts_tf.common.registry import Registry


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of writing.

    Attributes:
        write: from a `Genotype` to its text; raises `UserError` where the form has none for it.
        read: from a value, such as `darts_tf.genotypes.literals` reads, and a space or None to the
            `Genotype`; None where the value is of another form.
    """

    write: Callable[[Any], str]
    read: Callable[[Any, Any], Any]


#: Name -> form.
FORMS = Registry("form of a genotype", {}, Form)


def write(genotype, form: str) -> str:
    """The text of a genotype in a form.

    Raises:
        UserError: there is no such form, or it has no text for such a cell.
    """
    return FORMS.named(form).write(genotype)


def read(value, space=None):
    """The genotype that a value is, in any of the forms; None if it is none.

    Args:
        value: of strings, numbers, lists, tuples, dictionaries and `literals.Call`.
        space: that of the cells, where it is known.

    Raises:
        UserError: it is a genotype that cannot be.
    """
    for form in FORMS.values():
        if (found := form.read(value, space)) is not None:
            return found
    return None
