"""Genotypes in files and folders: ours, texts and logs of other programs, saved alphas."""

import os
import pathlib

from darts_tf.common.errors import UserError
from darts_tf.genotypes import alphas, texts
from darts_tf.genotypes.genotype import Genotype, of_file

_OF_RUN = "genotype.json"
_MOST_BYTES = 256 * 2**20
_PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".ckpt")


def load(path) -> Genotype:
    """The genotype in a file, or of a run's folder.

    Args:
        path: a file that `Genotype.save` wrote; a text that holds one in any form, such as a log,
            see `darts_tf.genotypes.from_text`; alphas, see `darts_tf.genotypes.from_alphas`; or the
            folder of a finished search or training, whose genotype.json is read.

    Raises:
        UserError: it cannot be read, or holds no genotype.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        if not (path / _OF_RUN).exists():
            raise UserError(
                f"cannot read the genotype {str(path)!r}: the folder has no {_OF_RUN}; give that "
                "of a search that has finished, or a file"
            )
        return Genotype.load(path / _OF_RUN)
    if path.suffix in alphas.SUFFIXES:
        return alphas.load(path)
    if path.suffix in _PICKLED:
        raise UserError(
            f"{path} is pickled, and reading it would run what it holds; save the alphas with "
            "numpy.savez(FILE, normal=..., reduce=...), or print the genotype"
        )
    return _of_text(path)


def _of_text(path: pathlib.Path) -> Genotype:
    if os.path.isfile(path) and path.stat().st_size > _MOST_BYTES:
        raise UserError(
            f"cannot read the genotype {str(path)!r}: it has more than {_MOST_BYTES >> 20} MiB; "
            "give the end of it"
        )
    return of_file(path, texts.from_text)
